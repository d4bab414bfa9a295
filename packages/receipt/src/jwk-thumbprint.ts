import { hash } from 'node:crypto'
import { canonicalize } from './canonicalize.ts'

/** The members that identify a key: required by its type (RFC 7638 section 3.2, RFC 8037 section 2). */
export type KeyIdentity =
  | { kty: 'EC'; crv: 'P-256'; x: string; y: string }
  | { kty: 'OKP'; crv: 'Ed25519'; x: string }

/** The RFC 7638 thumbprint of a public key with SHA-256, in base64url: what receipts call `kid`. */
export function jwkThumbprint(key: KeyIdentity): string {
  const { kty, crv, x } = key
  const identity = key.kty === 'EC' ? { kty, crv, x, y: key.y } : { kty, crv, x }
  return hash('sha256', canonicalize(identity), 'base64url')
}
