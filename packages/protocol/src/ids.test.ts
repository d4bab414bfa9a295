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
  fc.assert(
    fc.property(bytes(32), fc.integer({ min: 0, max: 127 }), (digest, bit) => {
      const other = digest.slice()
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(derivedId('audit', digest)).not.toBe(derivedId('audit', other))
      expect(idSchema('audit').safeParse(derivedId('audit', digest)).success).toBe(true)
    }),
  )
})
