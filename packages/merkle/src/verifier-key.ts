import { createPublicKey, hash, verify } from 'node:crypto'
import { fromBase64, toBase64 } from './base64.ts'
import { NoteError } from './note-error.ts'

/** The signature types of C2SP signed notes spoken here: plain Ed25519, and the timestamped Ed25519 of a witness. */
export const noteAlgorithms = { ed25519: 0x01, cosignature: 0x04 } as const

/** A signature type, the byte that goes into key ids and verifier keys. */
export type NoteAlgorithm = (typeof noteAlgorithms)[keyof typeof noteAlgorithms]

/** A key that notes are checked with. `keyId` has 8 lower-case hex digits, `publicKey` 32 bytes. */
export interface VerifierKey {
  readonly name: string
  readonly keyId: string
  readonly algorithm: NoteAlgorithm
  readonly publicKey: Uint8Array
}

/** The id of a key in 8 hex digits: SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key)[:4] (C2SP signed-note, Signatures). */
export function noteKeyId(name: string, algorithm: NoteAlgorithm, publicKey: Uint8Array): string {
  const input = Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(algorithm), publicKey])
  return hash('sha256', input, 'hex').slice(0, 8)
}

/** A verifier key as text: `<name>+<key id>+<base64(algorithm ‖ public key)>`. Throws `malformed_key`. */
export function formatVerifierKey(
  name: string,
  publicKey: Uint8Array,
  algorithm: NoteAlgorithm = noteAlgorithms.ed25519,
): string {
  if (!isKeyName(name)) throw new NoteError('malformed_key', 'a key name has neither spaces nor plus signs')
  if (publicKey.length !== publicKeyBytes) throw new NoteError('malformed_key', 'a public key has 32 bytes')
  const material = toBase64(Buffer.concat([Uint8Array.of(algorithm), publicKey]))
  return `${name}+${noteKeyId(name, algorithm, publicKey)}+${material}`
}

/** The key behind its text. Throws `malformed_key`, also when the key id is another key's, or `unknown_algorithm`. */
export function parseVerifierKey(text: string): VerifierKey {
  const { name = '', keyId = '', material = '' } = keyPattern.exec(text)?.groups ?? {}
  const bytes = fromBase64(material)
  if (!isKeyName(name) || !bytes?.length) throw new NoteError('malformed_key', 'not a verifier key')
  const algorithm = bytes[0]
  const publicKey = bytes.slice(1)
  if (algorithm !== noteAlgorithms.ed25519 && algorithm !== noteAlgorithms.cosignature) {
    throw new NoteError('unknown_algorithm', `no signature type ${algorithm}`)
  }
  if (publicKey.length !== publicKeyBytes || noteKeyId(name, algorithm, publicKey) !== keyId) {
    throw new NoteError('malformed_key', 'the key id does not belong to the public key')
  }
  return { name, keyId, algorithm, publicKey }
}

/** True for a name that a key of a signed note may have: not empty, no Unicode space, no plus sign, no control character. */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && /^[^\p{White_Space}\p{Cc}+]+$/u.test(name)
}

/** True when `signature` (64 bytes) is the Ed25519 signature (RFC 8032) of the message. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== publicKeyBytes || signature.length !== 64) return false
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' })
  return verify(null, message, key, signature)
}

const publicKeyBytes = 32
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')
const keyPattern = /^(?<name>[^+]+)\+(?<keyId>[0-9a-f]{8})\+(?<material>[A-Za-z0-9+/=]+)$/
