import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { z } from 'zod'
import { fromDer } from './ecdsa-signature.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'
import {
  privateJwk,
  publicJwk,
  type PrivateJwk,
  type PublicJwk,
  type ReceiptAlgorithm,
} from './public-jwk.ts'
import { ReceiptError } from './receipt-error.ts'

/**
 * What signs receipts. `sign` gives the 64 raw bytes of JWS (r ‖ s, or Ed25519) over `data`; it is asynchronous so that
 * a KMS can stand behind it. `nbf` and `exp` (Unix seconds) bound the `iat` that the key may sign.
 */
export interface SigningKey {
  readonly kid: string
  readonly alg: ReceiptAlgorithm
  readonly nbf?: number | undefined
  readonly exp?: number | undefined
  sign(data: Uint8Array): Promise<Uint8Array>
}

/** A new random key for `alg`, to be stored (`privateJwk`) and published (`publicJwk`). */
export function generateSigningKey(
  alg: ReceiptAlgorithm,
  validity: { nbf?: number; exp?: number } = {},
): { kid: string; alg: ReceiptAlgorithm; privateJwk: PrivateJwk; publicJwk: PublicJwk } {
  const { privateKey } =
    alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  const { d, ...identity } = privateKey.export({ format: 'jwk' })
  const unnamed = { ...identity, alg, use: 'sig', ...validity }
  const named = publicJwk.parse({ ...unnamed, kid: thumbprintOf(unnamed) })
  return { kid: named.kid, alg, privateJwk: privateJwk.parse({ ...named, d }), publicJwk: named }
}

const identityOnly = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }),
])

function thumbprintOf(key: unknown): string {
  return jwkThumbprint(identityOnly.parse(key))
}

/**
 * A key in this process, from its private JWK. Throws ReceiptError `bad_key` when the members do not belong together:
 * Ed25519 gives its secret away when it signs under another public key.
 */
export function importSigningKey(jwk: PrivateJwk): SigningKey & { readonly publicJwk: PublicJwk } {
  const parsed = privateJwk.safeParse(jwk)
  if (!parsed.success) throw new ReceiptError('bad_key', 'not a private key of receipts')
  const { d: _, ...rest } = parsed.data
  const own = publicJwk.parse(rest)
  if (own.kid !== jwkThumbprint(own))
    throw new ReceiptError('bad_key', 'kid is not the thumbprint of its key')
  const key = importPrivateKey(parsed.data, own)
  // The key object goes in bare: Node signs three times slower when it comes wrapped in options such as dsaEncoding.
  const signBytes =
    own.alg === 'ES256'
      ? (data: Uint8Array) => fromDer(sign('sha256', data, key))
      : (data: Uint8Array) => sign(null, data, key)
  return {
    kid: own.kid,
    alg: own.alg,
    nbf: own.nbf,
    exp: own.exp,
    publicJwk: own,
    sign: async (data) => signBytes(data),
  }
}

function importPrivateKey(jwk: PrivateJwk, own: PublicJwk): KeyObject {
  try {
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    const digest = own.alg === 'ES256' ? 'sha256' : null
    const probe = Buffer.from('key pair consistency')
    const matches = verify(
      digest,
      probe,
      createPublicKey({ key: own, format: 'jwk' }),
      sign(digest, probe, key),
    )
    if (matches) return key
  } catch {
    // The cause stays out of the error: it may quote the secret.
  }
  throw new ReceiptError('bad_key', 'd does not belong to the public key')
}
