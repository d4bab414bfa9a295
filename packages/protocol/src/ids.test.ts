import fc from 'fast-check'
import { expect, test } from 'vitest'
import { derivedId, idPrefixes, idSchema, newId } from './ids.ts'
import type { IdKind } from './ids.ts'

const kinds = Object.keys(idPrefixes) as IdKind[]
const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })

test('every new id is accepted by its own schema and by no other', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
      bytes(10),
      (kind, at, random) => {
        const id = newId(kind, at, () => random)
        expect(kinds.filter((other) => idSchema(other).safeParse(id).success)).toEqual([kind])
      },
    ),
  )
})

test('ids sort by the time of their creation', () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 2 })
  fc.assert(
    fc.property(time, bytes(10), bytes(10), (at, first, second) => {
      expect(newId('audit', new Date(at), () => first) < newId('audit', new Date(at + 1), () => second)).toBe(
        true,
      )
    }),
  )
})

test('different digests give different derived ids', () => {
  const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')
  fc.assert(
    fc.property(bytes(32), fc.integer({ min: 0, max: 127 }), (digest, bit) => {
      const other = digest.slice()
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(derivedId('audit', hex(digest))).not.toBe(derivedId('audit', hex(other)))
      expect(idSchema('audit').safeParse(derivedId('audit', hex(digest))).success).toBe(true)
    }),
  )
})

test('an id spells the bits of its digest, and of its time and randomness, five to a digit', () => {
  const digits = '0123456789abcdefghjkmnpqrstvwxyz'
  const spell = (bits: bigint, length: number) =>
    Array.from(
      { length },
      (_, place) => digits[Number((bits >> BigInt(5 * (length - 1 - place))) & 31n)],
    ).join('')
  const number = (all: Uint8Array) => all.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  fc.assert(
    fc.property(bytes(32), bytes(10), fc.integer({ min: 0, max: 2 ** 48 - 1 }), (digest, random, at) => {
      const hex = Buffer.from(digest).toString('hex')
      expect(derivedId('item', hex)).toBe(`item_${spell(number(digest) >> 126n, 26)}`)
      const id = `evt_${spell(BigInt(at), 10)}${spell(number(random), 16)}`
      expect(newId('event', new Date(at), () => random)).toBe(id)
    }),
  )
})

test('what is no SHA-256 digest in hex gives no id', () => {
  expect(() => derivedId('item', Buffer.alloc(32).toString('base64'))).toThrow('64 hex digits')
})
