import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseBody } from './parse-body.ts'

const value = fc
  .jsonValue({ maxDepth: 6 })
  .filter((json) => JSON.stringify(json).isWellFormed() && !JSON.stringify(json).includes('__proto__'))

test('gives what JSON.parse gives for any value, however it is spaced', () => {
  fc.assert(
    fc.property(value, fc.nat(4), (json, space) => {
      const text = JSON.stringify(json, null, space)
      expect(parseBody(text)).toEqual(JSON.parse(text))
    }),
  )
})

test('refuses any member name given twice, at any depth', () => {
  const name = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__proto__')
  fc.assert(
    fc.property(name, value, value, fc.nat(5), (key, first, second, depth) => {
      const member = (json: unknown) => `${JSON.stringify(key)}:${JSON.stringify(json)}`
      const text = `${'['.repeat(depth)}{${member(first)},${member(second)}}${']'.repeat(depth)}`
      expect(() => parseBody(text)).toThrow('two members of the same name')
    }),
  )
})

test('throws a fault, never anything else, for any text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'u', '1', 'a') }),
      (text) => {
        try {
          parseBody(text)
        } catch (error) {
          expect(error).toMatchObject({ name: 'Fault', code: 'invalid_json' })
        }
      },
    ),
  )
})

test('takes 32 levels and no more', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  expect(() => parseBody(nested(32))).not.toThrow()
  expect(() => parseBody(nested(33))).toThrow('more than 32 levels')
})

test('takes every double that JSON.stringify writes, and every safe integer', () => {
  const double = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(fc.oneof(double, fc.maxSafeInteger()), (number) => {
      expect(parseBody(`{"n":${JSON.stringify(number)}}`)).toEqual({ n: JSON.parse(JSON.stringify(number)) })
    }),
  )
})

test.each([
  '1e400',
  '-1E400',
  '1e-400',
  '9007199254740993',
  '-90071992547409931',
  '0.1234567890123456789',
  '0.30000000000000001',
  '9007199254740993e0',
  '1.00000000000000000000000000000000000000001',
])('refuses %s, which it would have to change', (number) => {
  for (const text of [number, `[${number}]`, `{"a":{"b":${number}}}`]) {
    expect(() => parseBody(text)).toThrow('cannot be read exactly')
  }
})

test('numbers within strings are text', () => {
  expect(parseBody('{"9007199254740993":"1e400"}')).toEqual({ '9007199254740993': '1e400' })
})
