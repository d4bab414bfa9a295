import { z } from 'zod'
import { decodeBase64url } from './base64url.ts'

/** The signature algorithms of receipts (RFC 7518 ES256, RFC 8037 EdDSA over Ed25519). */
export const receiptAlgorithms = ['ES256', 'EdDSA'] as const

/** The name of a signature algorithm of receipts. */
export type ReceiptAlgorithm = (typeof receiptAlgorithms)[number]

const coordinate = z
  .string()
  .refine((text) => decodeBase64url(text)?.byteLength === 32, 'must be 32 bytes in canonical base64url')
const unixSeconds = z.int().nonnegative()

const use = {
  kid: coordinate,
  use: z.literal('sig'),
  nbf: unixSeconds.optional(),
  exp: unixSeconds.optional(),
}
const p256 = {
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
  alg: z.literal('ES256'),
}
const ed25519 = { kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate, alg: z.literal('EdDSA') }

const isSpan = (key: { nbf?: number | undefined; exp?: number | undefined }) =>
  key.nbf === undefined || key.exp === undefined || key.nbf < key.exp
const span = { error: 'nbf must lie before exp' }

/**
 * A public key of receipts (RFC 7517): `kid` is its RFC 7638 thumbprint; `nbf` and `exp` (Unix seconds) bound the time
 * in which it signs. Strict, so a private member such as `d` never passes for a public key.
 */
export const publicJwk = z
  .discriminatedUnion('kty', [z.strictObject({ ...p256, ...use }), z.strictObject({ ...ed25519, ...use })])
  .refine(isSpan, span)
export type PublicJwk = z.infer<typeof publicJwk>

/** A private key of receipts: a public one and its secret `d`. */
export const privateJwk = z
  .discriminatedUnion('kty', [
    z.strictObject({ ...p256, ...use, d: coordinate }),
    z.strictObject({ ...ed25519, ...use, d: coordinate }),
  ])
  .refine(isSpan, span)
export type PrivateJwk = z.infer<typeof privateJwk>
