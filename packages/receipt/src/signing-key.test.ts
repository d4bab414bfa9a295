import { describe, expect, it } from 'vitest'
import { jwkThumbprint } from './jwk-thumbprint.ts'
import type { PrivateJwk } from './public-jwk.ts'
import { receiptAlgorithms } from './public-jwk.ts'
import { generateSigningKey, importSigningKey } from './signing-key.ts'

describe.each(receiptAlgorithms)('a key for %s', (alg) => {
  it('is new each time', () => {
    expect(generateSigningKey(alg).kid).not.toBe(generateSigningKey(alg).kid)
  })

  it('publishes everything but its secret', () => {
    const { privateJwk, publicJwk, kid } = generateSigningKey(alg, { nbf: 1, exp: 2 })
    const { d, ...rest } = privateJwk
    expect(rest).toEqual(publicJwk)
    expect(JSON.stringify(publicJwk)).not.toContain(d)
    expect(publicJwk).toMatchObject({ kid, alg, use: 'sig', nbf: 1, exp: 2 })
  })

  it('keeps its name, its time and its public half when imported', () => {
    const { privateJwk, publicJwk, kid } = generateSigningKey(alg, { nbf: 1, exp: 2 })
    expect(importSigningKey(privateJwk)).toMatchObject({ kid, alg, nbf: 1, exp: 2, publicJwk })
  })

  it('signs into 64 bytes', async () => {
    const key = importSigningKey(generateSigningKey(alg).privateJwk)
    for (let round = 0; round < 64; round++) expect(await key.sign(Uint8Array.of(round))).toHaveLength(64)
  })

  it('is refused with the public half of another', () => {
    const { d } = generateSigningKey(alg).privateJwk
    const jwk: PrivateJwk = { ...generateSigningKey(alg).privateJwk, d }
    expect(() => importSigningKey(jwk)).toThrow(expect.objectContaining({ code: 'bad_key' }))
  })

  it('is refused under a kid that is not its thumbprint', () => {
    const jwk = { ...generateSigningKey(alg).privateJwk, kid: generateSigningKey(alg).kid }
    expect(() => importSigningKey(jwk)).toThrow(expect.objectContaining({ code: 'bad_key' }))
  })

  it('shows no secret in the refusal', () => {
    const { d } = generateSigningKey(alg).privateJwk
    const jwk: PrivateJwk = { ...generateSigningKey(alg).privateJwk, d }
    const refusal = (() => {
      try {
        return importSigningKey(jwk)
      } catch (error) {
        return error
      }
    })()
    expect(JSON.stringify(refusal, Object.getOwnPropertyNames(refusal))).not.toContain(d)
  })
})

it('refuses a public key where a private one is due', () => {
  const jwk = { ...generateSigningKey('ES256').publicJwk, d: '' } as PrivateJwk
  expect(() => importSigningKey(jwk)).toThrow(expect.objectContaining({ code: 'bad_key' }))
})

it('signs as RFC 8037 appendix A.4 does', async () => {
  const identity = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const
  const d = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A'
  const key = importSigningKey({ ...identity, d, kid: jwkThumbprint(identity), alg: 'EdDSA', use: 'sig' })
  const signature = await key.sign(Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'))
  expect(Buffer.from(signature).toString('base64url')).toBe(
    'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  )
})
