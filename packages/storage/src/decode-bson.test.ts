import { isDeepStrictEqual } from 'node:util'
import { deserialize, serialize } from 'bson'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBson } from './decode-bson.ts'

const byBson = (bytes: Uint8Array) => deserialize(bytes, { useBigInt64: true, promoteBuffers: true })

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ maxLength: 100 }),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 20 }),
)
const names = fc.oneof(
  fc.stringMatching(/^[a-z_]{1,12}$/),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((name) => !name.includes('\0')),
  fc.constantFrom('0', '1', '$ref', '$id', '__proto__', 'toString', 'x'.repeat(100)),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
  ),
}))
const anyDocument = fc.dictionary(names, value, { maxKeys: 8 })

describe('decodeBson', () => {
  it('decodes every document as bson does', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const bytes = serialize(document)
        expectSame(decodeBson(bytes), byBson(bytes))
        // As a part of a larger buffer too.
        const within = new Uint8Array(bytes.length + 20).fill(1)
        within.set(bytes, 7)
        expectSame(decodeBson(within.subarray(7, 7 + bytes.length)), byBson(bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('never reads broken bytes as another document than bson does', () => {
    const turns = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(anyDocument, turns, fc.nat(), (document, changes, cut) => {
        const bytes = serialize(document)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        const broken = bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length)
        const expected = outcome(() => byBson(broken))
        if (expected !== undefined)
          expectSame(
            outcome(() => decodeBson(broken)),
            expected,
          )
        else outcome(() => decodeBson(broken))
      }),
      { numRuns: 1500 },
    )
  })

  it('refuses what is no document', () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(4), Uint8Array.of(6, 0, 0, 0, 0)])
      expect(() => decodeBson(bytes)).toThrow()
  })
})

// Vitest's own comparison trips over a field named `constructor`.
function expectSame(left: unknown, right: unknown): void {
  expect(isDeepStrictEqual(left, right)).toBe(true)
}

function outcome(work: () => unknown): unknown {
  try {
    return work()
  } catch {
    return undefined
  }
}
