import { createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { decodeBase64url } from './base64url.ts'
import { hasSmallOrder } from './ed25519-small-order.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'
import { publicJwk, type PublicJwk } from './public-jwk.ts'
import { ReceiptError } from './receipt-error.ts'
import { parseStrictJson } from './strict-json.ts'

const keySet = z.strictObject({ keys: z.array(publicJwk).max(1000) })

/** A JWK set (RFC 7517 section 5) of the keys that ever signed receipts; retired keys stay in it. */
export type KeySet = z.infer<typeof keySet>

/** A key that a set names for a `kid`, ready to verify. */
export interface KnownKey {
  jwk: PublicJwk
  key: KeyObject
}

// Only for sets that we made and froze: nobody can change them behind the index.
const indexes = new WeakMap<KeySet, ReadonlyMap<string, KnownKey>>()

/**
 * Reads a key set from JSON text, bytes, or a value parsed before, and freezes it. Throws ReceiptError `bad_key_set`
 * for private or foreign keys, a `kid` that is not the key's thumbprint or stands twice, or a point off its curve.
 */
export function parseKeySet(json: unknown): KeySet {
  const parsed = keySet.safeParse(readJson(json))
  if (!parsed.success) throw badKeySet(z.prettifyError(parsed.error), parsed.error)
  const known = new Map<string, KnownKey>()
  for (const jwk of parsed.data.keys) {
    if (known.has(jwk.kid)) throw badKeySet(`the kid ${jwk.kid} stands twice`)
    if (jwk.kid !== jwkThumbprint(jwk)) throw badKeySet(`the kid ${jwk.kid} is not the thumbprint of its key`)
    known.set(jwk.kid, { jwk: Object.freeze(jwk), key: importPublicKey(jwk) })
  }
  Object.freeze(parsed.data.keys)
  indexes.set(Object.freeze(parsed.data), known)
  return parsed.data
}

/** The key that `set` names for `kid`. A set that did not come from `parseKeySet` is checked first. */
export function findKey(set: KeySet, kid: string): KnownKey | undefined {
  const known = indexes.get(set) ?? indexes.get(parseKeySet(set))
  return known?.get(kid)
}

/** The JSON text of a key set, as served at `/.well-known/jwks.json`. Throws as `parseKeySet` does. */
export function formatKeySet(keys: readonly PublicJwk[]): string {
  return JSON.stringify(parseKeySet({ keys }))
}

/** Whether a key signs at `at` (Unix seconds): within `[nbf, exp)`, open where a bound is missing. */
export function isKeyValidAt(
  key: { nbf?: number | undefined; exp?: number | undefined },
  at: number,
): boolean {
  return (key.nbf === undefined || key.nbf <= at) && (key.exp === undefined || at < key.exp)
}

function readJson(json: unknown): unknown {
  if (typeof json !== 'string' && !(json instanceof Uint8Array)) return json
  try {
    return parseStrictJson(json)
  } catch (cause) {
    throw badKeySet('not strict JSON', cause)
  }
}

function importPublicKey(jwk: PublicJwk): KeyObject {
  if (jwk.kty === 'OKP' && hasSmallOrder(decodeBase64url(jwk.x) ?? new Uint8Array(32))) {
    throw badKeySet(`the key ${jwk.kid} is a point of small order`)
  }
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch (cause) {
    throw badKeySet(`the key ${jwk.kid} is no point of its curve`, cause)
  }
}

function badKeySet(message: string, cause?: unknown): ReceiptError {
  return new ReceiptError('bad_key_set', message, { cause })
}
