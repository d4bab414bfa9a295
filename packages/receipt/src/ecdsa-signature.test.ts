import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromDer, toDer, toLowS } from './ecdsa-signature.ts'

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const signature = fc.uint8Array({ minLength: 64, maxLength: 64 })
// Half of these begin with zeros, where DER and fixed width differ most.
const withZeros = fc.tuple(signature, fc.nat(32), fc.nat(32)).map(([bytes, r, s]) => {
  const copy = Uint8Array.from(bytes)
  copy.fill(0, 0, r)
  copy.fill(0, 32, 32 + s)
  return copy
})

it('turns fixed width into DER and back without loss', () => {
  fc.assert(
    fc.property(withZeros, (bytes) => {
      expect(fromDer(toDer(bytes))).toEqual(bytes)
    }),
  )
})

it('agrees with OpenSSL on both forms', () => {
  for (let round = 0; round < 300; round++) {
    const data = Buffer.from(`round ${round}`)
    const fixed = fromDer(sign('sha256', data, privateKey))
    expect(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, fixed)).toBe(true)
    expect(verify('sha256', data, publicKey, toDer(toLowS(fixed)))).toBe(true)
  }
})

it('verifies the signature of RFC 7515 appendix A.3', () => {
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  }
  const input =
    'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
  const jws = 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  expect(verify('sha256', Buffer.from(input), key, toDer(Buffer.from(jws, 'base64url')))).toBe(true)
})

it('gives s and n − s one twin, whose s is at most half the order', () => {
  const scalar = fc.bigInt({ min: 1n, max: order - 1n })
  const write = (s: bigint) => Buffer.from('11'.repeat(32) + s.toString(16).padStart(64, '0'), 'hex')
  fc.assert(
    fc.property(scalar, (s) => {
      const low = Buffer.from(toLowS(write(s)))
      expect(low).toEqual(Buffer.from(toLowS(write(order - s))))
      expect(BigInt(`0x${low.subarray(32).toString('hex')}`)).toBeLessThanOrEqual(order / 2n)
      expect(low).toHaveLength(64)
    }),
  )
})

it.each([
  ['nothing', []],
  ['no sequence', [0x31, 0x06, 2, 1, 1, 2, 1, 1]],
  ['a wrong length', [0x30, 0x07, 2, 1, 1, 2, 1, 1]],
  ['a first part that is no integer', [0x30, 0x06, 3, 1, 1, 2, 1, 1]],
  ['a second part that is no integer', [0x30, 0x06, 2, 1, 1, 3, 1, 1]],
  ['an integer that runs over the end', [0x30, 0x06, 2, 9, 1, 2, 1, 1]],
  ['an integer of 33 bytes', [0x30, 0x26, 2, 33, ...Array.from({ length: 33 }, () => 1), 2, 1, 1]],
  ['bytes behind the second integer', [0x30, 0x07, 2, 1, 1, 2, 1, 1, 0]],
])('refuses DER with %s', (_, bytes) => {
  expect(() => fromDer(Uint8Array.from(bytes))).toThrow(RangeError)
})
