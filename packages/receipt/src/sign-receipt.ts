import { z } from 'zod'
import { encodeBase64url } from './base64url.ts'
import { toLowS } from './ecdsa-signature.ts'
import { isKeyValidAt } from './key-set.ts'
import { ReceiptError } from './receipt-error.ts'
import { ReceiptPayload, serializePayload } from './receipt-payload.ts'
import type { SigningKey } from './signing-key.ts'

/** The `typ` of the protected header: no JWT made for another purpose passes for a receipt (RFC 8725 section 3.11). */
export const receiptType = 'tally-receipt+jwt'

const headers = new WeakMap<SigningKey, string>()

/**
 * Signs a receipt and gives its compact JWS (RFC 7515). Throws ReceiptError: `bad_payload` for a payload that breaks
 * the schema, `key_not_valid_then` for an `iat` outside the key's time, `bad_signature` for a key that gives no 64 bytes.
 */
export async function signReceipt(payload: ReceiptPayload, key: SigningKey): Promise<string> {
  const parsed = ReceiptPayload.safeParse(payload)
  if (!parsed.success) throw new ReceiptError('bad_payload', z.prettifyError(parsed.error))
  if (!isKeyValidAt(key, parsed.data.iat)) {
    throw new ReceiptError('key_not_valid_then', `the key ${key.kid} does not sign at ${parsed.data.iat}`)
  }
  const signingInput = `${protectedHeader(key)}.${encodeBase64url(Buffer.from(serializePayload(parsed.data)))}`
  const signature = await key.sign(Buffer.from(signingInput, 'latin1'))
  if (signature.byteLength !== 64)
    throw new ReceiptError('bad_signature', 'a key must give 64 raw bytes, not DER')
  return `${signingInput}.${encodeBase64url(key.alg === 'ES256' ? toLowS(signature) : signature)}`
}

function protectedHeader(key: SigningKey): string {
  const known = headers.get(key)
  if (known !== undefined) return known
  const header = encodeBase64url(
    Buffer.from(JSON.stringify({ alg: key.alg, kid: key.kid, typ: receiptType })),
  )
  headers.set(key, header)
  return header
}
