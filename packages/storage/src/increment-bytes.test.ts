import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode } from './codec.ts'
import type { Document } from './collection.ts'
import { addWithinBounds } from './increment.ts'
import { incrementBytes } from './increment-bytes.ts'

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -5n, max: 5n }),
)
const value = fc.oneof(
  { weight: 3, arbitrary: int64 },
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 20 }),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('c1', 'm1', 'x'), int64, { maxKeys: 3 }),
)
const names = fc.constantFrom('c1', 'c10', 'm1', 'l1', 'customer', 'Ä')
const documents = fc
  .dictionary(names, value, { maxKeys: 6, noNullPrototype: true })
  .map((fields): Document => ({ ...fields, id: 'one' }))
const increments = fc.dictionary(names, fc.oneof({ weight: 9, arbitrary: int64 }, fc.integer()), {
  minKeys: 1,
  maxKeys: 4,
})

describe('incrementBytes', () => {
  it('gives the bytes of the document that decoding, adding and encoding give, or leaves it to them', () => {
    let plain = 0
    fc.assert(
      fc.property(documents, increments, (document, by) => {
        const bytes = encode(document)
        const before = bytes.slice()
        const after = incrementBytes(bytes, by)
        expect(bytes).toEqual(before)
        if (after === undefined) return
        plain++
        expect(Buffer.from(after)).toEqual(Buffer.from(encode(addWithinBounds(decode(bytes), by, {}, {}))))
      }),
      { numRuns: 2000 },
    )
    expect(plain).toBeGreaterThan(200)
  })

  it('adds to what is there and makes what is not', () => {
    const after = incrementBytes(encode({ id: 'a', c1: 2n ** 53n } as Document), { c1: 1n, m1: -3n })
    expect(decode(after ?? new Uint8Array())).toEqual({ id: 'a', c1: 2n ** 53n + 1n, m1: -3n })
  })

  it('leaves to others what is no int64 before or after, and broken bytes', () => {
    const bytes = encode({ id: 'a', count: 1, big: 2n ** 63n - 1n } as Document)
    expect(incrementBytes(bytes, { count: 1n })).toBeUndefined()
    expect(incrementBytes(bytes, { big: 1n })).toBeUndefined()
    expect(incrementBytes(bytes, { other: 1 })).toBeUndefined()
    for (let size = 0; size < bytes.length; size++)
      expect(incrementBytes(bytes.subarray(0, size), { big: -1n })).toBeUndefined()
  })
})
