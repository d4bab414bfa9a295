import { createPrivateKey, sign } from 'node:crypto'
import {
  canonicalize,
  generateSigningKey,
  importSigningKey,
  parseKeySet,
  ReceiptError,
  signReceipt,
  verifyReceipt,
  type KeySet,
} from '../src/index.ts'
import { samplePayload } from './sample-receipt.ts'

/** The log's two keys, and the set that publishes them. */
export const es256 = generateSigningKey('ES256')
export const eddsa = generateSigningKey('EdDSA')
export const keySet = parseKeySet({ keys: [es256.publicJwk, eddsa.publicJwk] })

/** The header and the payload of an honest receipt, and the receipt. */
export const header = { alg: 'ES256', kid: es256.kid, typ: 'tally-receipt+jwt' }
export const canonical = canonicalize(samplePayload)
export const receipt = await signReceipt(samplePayload, importSigningKey(es256.privateJwk))

/** Signs raw texts of header and payload with a real key: what passes then is up to the verifier alone. */
export function forge(
  claimed: object | string,
  payload: string | Uint8Array = canonical,
  jwk = es256.privateJwk,
) {
  const text = typeof claimed === 'string' ? claimed : JSON.stringify(claimed)
  const input = `${Buffer.from(text).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  const bytes =
    jwk.alg === 'ES256'
      ? sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
      : sign(null, Buffer.from(input), key)
  return `${input}.${bytes.toString('base64url')}`
}

/** The code by which the verifier refuses `jws`, or `accepted`. */
export async function refusal(jws: string, keys: KeySet = keySet): Promise<string> {
  try {
    await verifyReceipt(jws, keys)
    return 'accepted'
  } catch (error) {
    if (error instanceof ReceiptError) return error.code
    throw error
  }
}
