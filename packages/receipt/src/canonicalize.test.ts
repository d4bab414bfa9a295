import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize, NotCanonicalizable } from './canonicalize.ts'

const vectors = process.env['CONFORMANCE_VECTORS']

describe.skipIf(vectors === undefined)('published RFC 8785 cases (set CONFORMANCE_VECTORS to run)', () => {
  const text = vectors === undefined ? '[]' : readFileSync(join(vectors, 'rfc8785/cases.json'), 'utf8')
  const cases = JSON.parse(text) as { name: string; input: string; canonicalHex: string }[]

  it.each(cases)('gives the canonical bytes of $name', ({ input, canonicalHex }) => {
    expect(Buffer.from(canonicalize(JSON.parse(input))).toString('hex')).toBe(canonicalHex)
  })
})

describe('canonicalize', () => {
  it('prints numbers as RFC 8785 appendix B does', () => {
    const bits: [string, string][] = [
      ['0000000000000000', '0'],
      ['8000000000000000', '0'],
      ['0000000000000001', '5e-324'],
      ['8000000000000001', '-5e-324'],
      ['7fefffffffffffff', '1.7976931348623157e+308'],
      ['ffefffffffffffff', '-1.7976931348623157e+308'],
      ['4340000000000000', '9007199254740992'],
      ['c340000000000000', '-9007199254740992'],
      ['4430000000000000', '295147905179352830000'],
      ['44b52d02c7e14af5', '9.999999999999997e+22'],
      ['44b52d02c7e14af6', '1e+23'],
      ['44b52d02c7e14af7', '1.0000000000000001e+23'],
      ['444b1ae4d6e2ef4e', '999999999999999700000'],
      ['444b1ae4d6e2ef4f', '999999999999999900000'],
      ['444b1ae4d6e2ef50', '1e+21'],
      ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
      ['3eb0c6f7a0b5ed8d', '0.000001'],
      ['41b3de4355555553', '333333333.3333332'],
      ['41b3de4355555557', '333333333.33333343'],
      ['becbf647612f3696', '-0.0000033333333333333333'],
      ['43143ff3c1cb0959', '1424953923781206.2'],
    ]
    for (const [hex, text] of bits) expect(canonicalize(Buffer.from(hex, 'hex').readDoubleBE())).toBe(text)
  })

  it('sorts members by UTF-16 code units, whatever order they were set in', () => {
    const names = fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 8 })
    fc.assert(
      fc.property(names, (keys) => {
        const forward = Object.fromEntries(keys.map((key, index) => [`k${key}`, index]))
        const backward = Object.fromEntries(Object.entries(forward).toReversed())
        expect(canonicalize(backward)).toBe(canonicalize(forward))
      }),
    )
  })

  it('loses nothing, and gives the same text for what it parses back to', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        if (!JSON.stringify(value).isWellFormed()) return
        const text = canonicalize(value)
        expect(canonicalize(JSON.parse(text))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('takes the same object twice side by side', () => {
    const shared = { a: 1 }
    expect(canonicalize([shared, shared])).toBe('[{"a":1},{"a":1}]')
  })

  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = { again: cyclic }
  const hole: unknown[] = []
  hole.length = 1
  let deep: unknown = 0
  for (let level = 0; level < 501; level++) deep = [deep]

  it.each<[string, unknown, string]>([
    ['NaN', { a: [Number.NaN] }, '/a/0'],
    ['an infinity', { a: Number.NEGATIVE_INFINITY }, '/a'],
    ['a bigint', [1n], '/0'],
    ['a lone surrogate', { 'x/y~z': '\ud800' }, '/x~1y~0z'],
    ['a lone surrogate in a member name', { '\udc00': 1 }, ''],
    ['an undefined member', { a: undefined }, '/a'],
    ['undefined itself', undefined, ''],
    ['an undefined element', [undefined], '/0'],
    ['a hole', hole, '/0'],
    ['a function', { a: () => 1 }, '/a'],
    ['a symbol', [Symbol('s')], '/0'],
    ['a member named by a symbol', { [Symbol('s')]: 1 }, ''],
    ['a date, whose toJSON would choose the text', { at: new Date(0) }, '/at'],
    ['an object of a class', new Map([['a', 1]]), ''],
    ['bytes', { a: new Uint8Array(2) }, '/a'],
    ['a cycle', cyclic, '/self/again'],
    ['nesting without bound', deep, '/0'.repeat(500)],
  ])('refuses %s', (_, value, pointer) => {
    const refusal = (() => {
      try {
        return canonicalize(value)
      } catch (error) {
        return error
      }
    })()
    expect(refusal).toBeInstanceOf(NotCanonicalizable)
    expect(refusal).toMatchObject({ pointer })
  })

  it('does not ask an own toJSON', () => {
    expect(() => canonicalize({ toJSON: () => 'forged' })).toThrow(NotCanonicalizable)
  })
})
