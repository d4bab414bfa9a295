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
