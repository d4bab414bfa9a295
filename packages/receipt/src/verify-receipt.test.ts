import * as fc from 'fast-check'
import { CompactSign, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { canonical, eddsa, es256, forge, header, keySet, receipt, refusal } from '../test/forge-receipt.ts'
import { samplePayload } from '../test/sample-receipt.ts'
import { parseKeySet } from './key-set.ts'
import { receiptAlgorithms } from './public-jwk.ts'
import { generateSigningKey } from './signing-key.ts'
import { verifyReceipt } from './verify-receipt.ts'

const { iat } = samplePayload
const [head = '', body = '', signature = ''] = receipt.split('.')
const encode = (text: string) => Buffer.from(text).toString('base64url')

describe('verifyReceipt', () => {
  it.each(receiptAlgorithms)('takes what jose signed with %s', async (alg) => {
    const { privateJwk, kid } = alg === 'ES256' ? es256 : eddsa
    const key = await importJWK(privateJwk, alg)
    for (let round = 0; round < 16; round++) {
      const jws = await new CompactSign(Buffer.from(canonical))
        .setProtectedHeader({ typ: 'tally-receipt+jwt', kid, alg })
        .sign(key)
      expect(await verifyReceipt(jws, keySet)).toEqual({ payload: samplePayload, kid, alg })
    }
  })

  it('takes what our forgery bench signs when nothing is wrong with it', async () => {
    expect(await refusal(forge(header))).toBe('accepted')
    expect(
      await refusal(forge({ ...header, alg: 'EdDSA', kid: eddsa.kid }, canonical, eddsa.privateJwk)),
    ).toBe('accepted')
  })

  it('takes a receipt for ever once its key is retired, and none from after', async () => {
    const until = parseKeySet({ keys: [{ ...es256.publicJwk, nbf: iat, exp: iat + 1 }] })
    const before = parseKeySet({ keys: [{ ...es256.publicJwk, exp: iat }] })
    const after = parseKeySet({ keys: [{ ...es256.publicJwk, nbf: iat + 1 }] })
    expect(await refusal(receipt, until)).toBe('accepted')
    expect(await refusal(receipt, before)).toBe('key_not_valid_then')
    expect(await refusal(receipt, after)).toBe('key_not_valid_then')
  })

  it('takes a receipt of an old key beside its successor', async () => {
    const next = generateSigningKey('ES256', { nbf: iat + 100 })
    const rotated = parseKeySet({ keys: [next.publicJwk, { ...es256.publicJwk, exp: iat + 100 }] })
    expect(await verifyReceipt(receipt, rotated)).toMatchObject({ kid: es256.kid })
  })

  it('refuses every receipt with one byte changed', async () => {
    const change = fc.tuple(
      fc.nat(receipt.length - 1),
      fc.constantFrom('A', 'b', '7', '-', '_', '.', '=', ' ', 'é'),
    )
    await fc.assert(
      fc.asyncProperty(change, async ([at, character]) => {
        fc.pre(receipt[at] !== character)
        expect(await refusal(receipt.slice(0, at) + character + receipt.slice(at + 1))).not.toBe('accepted')
      }),
      { numRuns: 1000 },
    )
  })

  it('throws nothing but ReceiptError, whatever the text', async () => {
    const part = fc.oneof(fc.string(), fc.json().map(encode), fc.constantFrom(head, body, signature))
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
        fc.pre(parts.join('.') !== receipt)
        expect(await refusal(parts.join('.'))).not.toBe('accepted')
      }),
      { numRuns: 500 },
    )
  })
})
