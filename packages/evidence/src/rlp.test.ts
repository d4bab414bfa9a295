import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRlp, encodeRlp, RlpError } from './rlp.ts'
import type { RlpItem } from './rlp.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const ascii = (text: string) => new Uint8Array(Buffer.from(text, 'ascii'))

const { item: itemArbitrary } = fc.letrec<{ item: RlpItem }>((tie) => ({
  item: fc.oneof({ maxDepth: 5 }, fc.uint8Array({ maxLength: 80 }), fc.array(tie('item'), { maxLength: 6 })),
}))

describe('RLP', () => {
  it.each([
    ['83646f67', ascii('dog')],
    ['c88363617483646f67', [ascii('cat'), ascii('dog')]],
    ['80', ascii('')],
    ['c0', []],
    ['00', hex('00')],
    ['820400', hex('0400')],
    ['c7c0c1c0c3c0c1c0', [[], [[]], [[], [[]]]]],
    [
      `b838${Buffer.from('Lorem ipsum dolor sit amet, consectetur adipisicing elit').toString('hex')}`,
      ascii('Lorem ipsum dolor sit amet, consectetur adipisicing elit'),
    ],
  ])('encodes and decodes the published example %s', (encoded, item) => {
    expect(Buffer.from(encodeRlp(item)).toString('hex')).toBe(encoded)
    expect(encodeRlp(decodeRlp(hex(encoded)))).toEqual(encodeRlp(item))
  })

  it.each([
    ['nothing at all', ''],
    ['bytes after the item', '8000'],
    ['a string that ends early', '83646f'],
    ['a list that ends early', 'c883636174'],
    ['an item that leaves its list', 'c28363617483'],
    ['a prefixed single byte', '8101'],
    ['a long form for a short string', 'b801ff'],
    ['a length with leading zeros', 'b90038'],
    ['a length of 2^64 - 1', 'bfffffffffffffffff'],
    ['a length that is cut off', 'b9ff'],
    ['lists nested without end', 'c1'.repeat(100)],
    ['lists nested beyond use', 'd9d8d7d6d5d4d3d2d1d0cfcecdcccbcac9c8c7c6c5c4c3c2c1c0'],
  ])('refuses %s', (_, encoded) => {
    expect(() => decodeRlp(hex(encoded))).toThrow(RlpError)
  })

  it('gives back every item it encodes', () => {
    fc.assert(
      fc.property(itemArbitrary, (item) => {
        const encoded = encodeRlp(item)
        expect(encodeRlp(decodeRlp(encoded))).toEqual(encoded)
      }),
    )
  })

  it('reads random bytes as the one encoding of an item or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        let item: RlpItem
        try {
          item = decodeRlp(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(RlpError)
          return
        }
        expect(encodeRlp(item)).toEqual(bytes)
      }),
      { numRuns: 2000 },
    )
  })
})
