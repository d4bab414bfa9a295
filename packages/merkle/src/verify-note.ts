import { openCosignature } from './cosignature.ts'
import { parseNote, type NoteSignature } from './note.ts'
import { NoteError } from './note-error.ts'
import { noteAlgorithms, parseVerifierKey, verifyEd25519, type VerifierKey } from './verifier-key.ts'

/** A key that signed a note; `time` (Unix seconds) is what a witness stated in its cosignature. */
export interface Signer {
  readonly key: VerifierKey
  readonly time?: number
}

/** A note that at least one known key signed: `verified` names the signers in the order of their lines, each key once. */
export interface OpenedNote {
  readonly text: string
  readonly verified: readonly string[]
  readonly signers: readonly Signer[]
}

/**
 * Opens a note with the keys that the caller knows (parsed or as text), as C2SP signed-note says: lines by other keys are
 * ignored, but a bad signature under the name and id of a known key refuses the whole note. Throws `malformed_note`,
 * `malformed_key`, `ambiguous_key`, `bad_signature` or `no_known_signature`.
 */
export function verifyNote(note: string, verifierKeys: readonly (VerifierKey | string)[]): OpenedNote {
  const known = new Map<string, VerifierKey>()
  for (const entry of verifierKeys) {
    const key = typeof entry === 'string' ? parseVerifierKey(entry) : entry
    const other = known.get(keyHandle(key))
    if (other && Buffer.compare(other.publicKey, key.publicKey) !== 0) {
      throw new NoteError('ambiguous_key', `two keys are called ${key.name}+${key.keyId}`)
    }
    known.set(keyHandle(key), key)
  }
  const { text, signatures } = parseNote(note)
  const signers = new Map<string, Signer>()
  for (const line of signatures) {
    const key = known.get(keyHandle(line))
    if (key && !signers.has(keyHandle(line))) signers.set(keyHandle(line), checkSignature(text, line, key))
  }
  if (signers.size === 0) throw new NoteError('no_known_signature', 'no known key signed the note')
  const opened = [...signers.values()]
  return { text, verified: opened.map(({ key }) => key.name), signers: opened }
}

function checkSignature(text: string, line: NoteSignature, key: VerifierKey): Signer {
  if (key.algorithm === noteAlgorithms.cosignature) {
    const time = openCosignature(text, line.signature, key.publicKey)
    if (time !== undefined) return { key, time }
  } else if (verifyEd25519(key.publicKey, Buffer.from(text), line.signature)) {
    return { key }
  }
  throw new NoteError('bad_signature', `the signature of ${key.name}+${key.keyId} is not genuine`)
}

/** Names have no newline, so no two pairs of name and id share a handle. */
function keyHandle({ name, keyId }: { readonly name: string; readonly keyId: string }): string {
  return `${name}\n${keyId}`
}
