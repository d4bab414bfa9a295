import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { formatVerifierKey, noteAlgorithms, noteKeyId } from '@tallystick/merkle'
import type { NoteSigner } from '@tallystick/merkle'

/** What signs the log's checkpoints, and the C2SP verifier key by which everyone checks them. */
export interface LogSigner extends NoteSigner {
  readonly verifierKey: string
}

/** A new Ed25519 log key as PKCS #8 PEM, to be kept secret. */
export function generateLogKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

/** The signer of the log `origin` from its PKCS #8 PEM. Throws for anything but an Ed25519 private key. */
export function importLogKey(pem: string, origin: string): LogSigner {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error('the log key must be an Ed25519 private key in PKCS #8 PEM')
  return logSigner(origin, createPublicKey(key), (message) => sign(null, message, key))
}

/** The signer of the log `origin` around an Ed25519 public key and whatever signs with its private half. */
export function logSigner(origin: string, publicKey: KeyObject, signWith: NoteSigner['sign']): LogSigner {
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const bytes = Buffer.from(x, 'base64url')
  return {
    name: origin,
    keyId: noteKeyId(origin, noteAlgorithms.ed25519, bytes),
    verifierKey: formatVerifierKey(origin, bytes),
    sign: signWith,
  }
}
