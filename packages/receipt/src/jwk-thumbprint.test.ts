import { calculateJwkThumbprint } from 'jose'
import { expect, it } from 'vitest'
import { jwkThumbprint } from './jwk-thumbprint.ts'
import { receiptAlgorithms } from './public-jwk.ts'
import { generateSigningKey } from './signing-key.ts'

it('gives the thumbprint of RFC 8037 appendix A.3', () => {
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
  expect(jwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

it.each(receiptAlgorithms)('agrees with jose for %s', async (alg) => {
  const { publicJwk, kid } = generateSigningKey(alg)
  expect(kid).toBe(await calculateJwkThumbprint(publicJwk, 'sha256'))
})

it('looks at nothing but the identity of the key', () => {
  const { publicJwk, kid } = generateSigningKey('ES256', { nbf: 1, exp: 2 })
  expect(jwkThumbprint(publicJwk)).toBe(kid)
})
