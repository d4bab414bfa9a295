import { sign, createPrivateKey } from 'node:crypto'
import { compactVerify, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { samplePayload } from '../test/sample-receipt.ts'
import { canonicalize } from './canonicalize.ts'
import { parseKeySet } from './key-set.ts'
import { receiptAlgorithms } from './public-jwk.ts'
import { signReceipt } from './sign-receipt.ts'
import { generateSigningKey, importSigningKey, type SigningKey } from './signing-key.ts'
import { verifyReceipt } from './verify-receipt.ts'

const { iat } = samplePayload

describe.each(receiptAlgorithms)('a receipt signed with %s', (alg) => {
  const { privateJwk, publicJwk, kid } = generateSigningKey(alg)
  const key = importSigningKey(privateJwk)

  it('verifies with jose, which knows nothing of us', async () => {
    for (let round = 0; round < 32; round++) {
      const jws = await signReceipt({ ...samplePayload, iat: iat - round }, key)
      const verified = await compactVerify(jws, await importJWK(publicJwk, alg), { algorithms: [alg] })
      expect(verified.protectedHeader).toEqual({ alg, kid, typ: 'tally-receipt+jwt' })
      expect(Buffer.from(verified.payload).toString()).toBe(
        canonicalize({ ...samplePayload, iat: iat - round }),
      )
    }
  })

  it('verifies with its own key set', async () => {
    const jws = await signReceipt(samplePayload, key)
    expect(await verifyReceipt(jws, parseKeySet({ keys: [publicJwk] }))).toEqual({
      payload: samplePayload,
      kid,
      alg,
    })
  })

  it('is not made outside of the time of its key', async () => {
    const retired = importSigningKey({ ...privateJwk, nbf: iat - 10, exp: iat })
    const future = importSigningKey({ ...privateJwk, nbf: iat + 1 })
    const refusal = expect.objectContaining({ code: 'key_not_valid_then' })
    await expect(signReceipt(samplePayload, retired)).rejects.toThrow(refusal)
    await expect(signReceipt(samplePayload, future)).rejects.toThrow(refusal)
    await expect(signReceipt({ ...samplePayload, iat: iat - 1 }, retired)).resolves.toMatch(/^ey/)
  })

  it('is not made of a payload that breaks the schema', async () => {
    const payload = { ...samplePayload, merge_by: iat - 1 }
    await expect(signReceipt(payload, key)).rejects.toThrow(expect.objectContaining({ code: 'bad_payload' }))
  })
})

describe('a key in a KMS', () => {
  const { privateJwk, publicJwk, kid } = generateSigningKey('ES256')
  const privateKey = createPrivateKey({ key: privateJwk, format: 'jwk' })
  const remote = (dsaEncoding: 'der' | 'ieee-p1363'): SigningKey => ({
    kid,
    alg: 'ES256',
    async sign(data) {
      await new Promise((resolve) => setImmediate(resolve))
      return sign('sha256', data, { key: privateKey, dsaEncoding })
    },
  })

  it('signs receipts with low s, whichever s it gave', async () => {
    const halfOrder = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n
    for (let round = 0; round < 32; round++) {
      const jws = await signReceipt(samplePayload, remote('ieee-p1363'))
      const s = Buffer.from(jws.slice(jws.lastIndexOf('.') + 1), 'base64url').subarray(32)
      expect(BigInt(`0x${s.toString('hex')}`)).toBeLessThanOrEqual(halfOrder)
      await expect(verifyReceipt(jws, { keys: [publicJwk] })).resolves.toMatchObject({ kid })
    }
  })

  it('is refused when it answers in DER', async () => {
    const refusal = expect.objectContaining({ code: 'bad_signature' })
    await expect(signReceipt(samplePayload, remote('der'))).rejects.toThrow(refusal)
  })
})
