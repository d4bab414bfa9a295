import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBase64url, encodeBase64url } from './base64url.ts'

it('reads back what it wrote', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(Uint8Array.from(decodeBase64url(encodeBase64url(bytes)) ?? [])).toEqual(bytes)
    }),
  )
})

it('writes only the bytes of a view', () => {
  expect(encodeBase64url(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe('AgM')
})

it.each([
  ['padding', 'AQ=='],
  ['the alphabet of base64', '+/+/'],
  ['bits beyond the last byte', 'AR'],
  ['white space', 'AQ ID'],
  ['a line end', 'AQID\n'],
  ['a lone last character', 'AQIDA'],
  ['letters beyond ASCII', 'AQÏD'],
])('refuses %s', (_, text) => {
  expect(decodeBase64url(text)).toBeUndefined()
})
