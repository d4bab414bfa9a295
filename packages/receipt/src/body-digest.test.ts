import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { bodyDigest } from './body-digest.ts'
import { NotCanonicalizable } from './canonicalize.ts'

it('is the SHA-256 of the salt and the canonical event', () => {
  const salt = randomBytes(32)
  const bytes = Buffer.concat([salt, Buffer.from('{"a":"é","b":[1,2]}')])
  const digest = createHash('sha256').update(bytes).digest('hex')
  expect(bodyDigest(salt, { b: [1, 2], a: 'é' })).toBe(`sha256:${digest}`)
})

it('tells nothing without the salt: two salts give two digests of one event', () => {
  expect(bodyDigest(new Uint8Array(32), { a: 1 })).not.toBe(bodyDigest(new Uint8Array(32).fill(1), { a: 1 }))
})

it.each([0, 31, 33, 64])('refuses a salt of %i bytes', (size) => {
  expect(() => bodyDigest(new Uint8Array(size), {})).toThrow(RangeError)
})

it('refuses an event that JSON cannot carry', () => {
  expect(() => bodyDigest(new Uint8Array(32), { at: new Date(0) })).toThrow(NotCanonicalizable)
})
