import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { fromBase64, toBase64 } from './base64.ts'
import { NoteError } from './note-error.ts'
import type { NoteSigner } from './sign-note.ts'
import { formatVerifierKey, noteAlgorithms, parseVerifierKey, type NoteAlgorithm } from './verifier-key.ts'

/** A private key in this process that signs notes, with the text of the verifier key that checks them. */
export interface LocalSigner extends NoteSigner {
  readonly verifierKey: string
}

/** A signer from an Ed25519 seed of 32 bytes. `algorithm` 0x04 makes a witness's key for `cosign`. Throws `malformed_key`. */
export function signerFromSeed(
  name: string,
  seed: Uint8Array,
  algorithm: NoteAlgorithm = noteAlgorithms.ed25519,
): LocalSigner {
  if (seed.length !== seedBytes) throw new NoteError('malformed_key', 'an Ed25519 seed has 32 bytes')
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const verifierKey = formatVerifierKey(name, new Uint8Array(spki.subarray(-seedBytes)), algorithm)
  const { keyId } = parseVerifierKey(verifierKey)
  return { name, keyId, verifierKey, sign: (message) => new Uint8Array(sign(null, message, key)) }
}

/**
 * A signer from the text that Go's note package and its tools keep a private key in:
 * `PRIVATE+KEY+<name>+<key id>+<base64(algorithm ‖ seed)>`. Throws `malformed_key` or `unknown_algorithm`; never with the key in it.
 */
export function parseSignerKey(text: string): LocalSigner {
  const { name = '', keyId = '', material = '' } = keyPattern.exec(text)?.groups ?? {}
  const bytes = fromBase64(material)
  if (!bytes?.length) throw new NoteError('malformed_key', 'not a signer key')
  const algorithm = bytes[0]
  if (algorithm !== noteAlgorithms.ed25519 && algorithm !== noteAlgorithms.cosignature) {
    throw new NoteError('unknown_algorithm', `no signature type ${algorithm}`)
  }
  const signer = signerFromSeed(name, bytes.subarray(1), algorithm)
  if (signer.keyId !== keyId) throw new NoteError('malformed_key', 'the key id does not belong to the key')
  return signer
}

/** The text of a private key, as `parseSignerKey` reads it. Keep it secret. */
export function formatSignerKey(
  name: string,
  seed: Uint8Array,
  algorithm: NoteAlgorithm = noteAlgorithms.ed25519,
): string {
  const { keyId } = signerFromSeed(name, seed, algorithm)
  return `PRIVATE+KEY+${name}+${keyId}+${toBase64(Buffer.concat([Uint8Array.of(algorithm), seed]))}`
}

const seedBytes = 32
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const keyPattern = /^PRIVATE\+KEY\+(?<name>[^+]+)\+(?<keyId>[0-9a-f]{8})\+(?<material>[A-Za-z0-9+/=]+)$/
