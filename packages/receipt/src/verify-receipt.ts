import { verify } from 'node:crypto'
import { z } from 'zod'
import { decodeBase64url } from './base64url.ts'
import { canonicalize } from './canonicalize.ts'
import { toDer } from './ecdsa-signature.ts'
import { findKey, isKeyValidAt, type KeySet, type KnownKey } from './key-set.ts'
import type { ReceiptAlgorithm } from './public-jwk.ts'
import { ReceiptError } from './receipt-error.ts'
import { ReceiptPayload } from './receipt-payload.ts'
import { receiptType } from './sign-receipt.ts'
import { parseStrictJson } from './strict-json.ts'

/** A receipt that held: what it promises, and the key and algorithm that say so. */
export interface VerifiedReceipt {
  payload: ReceiptPayload
  kid: string
  alg: ReceiptAlgorithm
}

const maxBytes = 262_144

// Only what is acted upon. Other members, such as jku, jwk, x5u and x5c, would let the receipt choose its own key: ignored.
const header = z.object({
  alg: z.string(),
  kid: z.string(),
  typ: z.unknown().optional(),
  crit: z.unknown().optional(),
})

/**
 * Verifies the compact JWS of a receipt against a key set: bytes first, then the signature, then the claims. It looks
 * at no clock: a receipt holds for ever when its `iat` lies in its key's time. Throws ReceiptError.
 *
 * ECDSA lets anyone turn (r, s) into (r, n − s), which verifies too; the log's entry is the hash of the whole JWS, so
 * such a copy is in no log.
 */
export async function verifyReceipt(jws: string, keySet: KeySet): Promise<VerifiedReceipt> {
  const parts = splitCompact(jws)
  const known = selectKey(parts.header, keySet)
  requireSignature(parts, known)
  if (parts.header.typ !== receiptType) throw new ReceiptError('wrong_type', `typ must be ${receiptType}`)
  const payload = readPayload(parts.payload)
  if (!isKeyValidAt(known.jwk, payload.iat)) {
    throw new ReceiptError('key_not_valid_then', `the key ${known.jwk.kid} did not sign at ${payload.iat}`)
  }
  return { payload, kid: known.jwk.kid, alg: known.jwk.alg }
}

interface CompactParts {
  header: z.infer<typeof header>
  payload: Uint8Array
  signature: Uint8Array
  signingInput: Uint8Array
}

function splitCompact(jws: string): CompactParts {
  if (typeof jws !== 'string' || jws.length > maxBytes) throw malformed('not a compact JWS of bounded size')
  const texts = jws.split('.')
  const [headerBytes, payload, signature] = texts.map(decodeBase64url)
  if (texts.length !== 3 || !headerBytes || !payload || !signature)
    throw malformed('not three parts in base64url')
  const signingInput = Buffer.from(jws.slice(0, jws.lastIndexOf('.')), 'latin1')
  return { header: readHeader(headerBytes), payload, signature, signingInput }
}

function readHeader(bytes: Uint8Array): CompactParts['header'] {
  const parsed = header.safeParse(parseJson(bytes, 'malformed'))
  if (!parsed.success) throw malformed('the header lacks alg or kid')
  // We implement no extension, so whatever crit names is unknown to us (RFC 7515 section 4.1.11).
  if (parsed.data.crit !== undefined) throw malformed('the header names a critical extension')
  return parsed.data
}

/** The key set alone says which algorithm a key uses: neither `none` nor an HMAC keyed with the public key gets a say. */
function selectKey(claimed: CompactParts['header'], keySet: KeySet): KnownKey {
  const known = findKey(keySet, claimed.kid)
  if (known === undefined) throw new ReceiptError('unknown_key', 'the key set has no such kid')
  if (claimed.alg !== known.jwk.alg) {
    throw new ReceiptError('wrong_algorithm', `the key set names ${known.jwk.alg} for this kid`)
  }
  return known
}

function requireSignature({ signature, signingInput }: CompactParts, { jwk, key }: KnownKey): void {
  const valid =
    signature.byteLength === 64 &&
    (jwk.alg === 'ES256'
      ? verify('sha256', signingInput, key, toDer(signature))
      : verify(null, signingInput, key, signature))
  if (!valid) throw new ReceiptError('bad_signature', 'the signature does not verify')
}

function readPayload(bytes: Uint8Array): ReceiptPayload {
  const value = parseJson(bytes, 'bad_payload')
  const parsed = ReceiptPayload.safeParse(value)
  if (!parsed.success) throw new ReceiptError('bad_payload', z.prettifyError(parsed.error))
  if (!Buffer.from(canonicalize(value)).equals(bytes)) {
    throw new ReceiptError('not_canonical', 'the payload is not in its RFC 8785 form')
  }
  return parsed.data
}

function parseJson(bytes: Uint8Array, code: 'malformed' | 'bad_payload'): unknown {
  try {
    return parseStrictJson(bytes, { maxDepth: 8, maxBytes })
  } catch (cause) {
    throw new ReceiptError(code, cause instanceof Error ? cause.message : 'not JSON', { cause })
  }
}

function malformed(message: string): ReceiptError {
  return new ReceiptError('malformed', message)
}
