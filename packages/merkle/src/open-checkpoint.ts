import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { NoteError } from './note-error.ts'
import { noteAlgorithms, parseVerifierKey, type VerifierKey } from './verifier-key.ts'
import { verifyNote } from './verify-note.ts'

/** Whom the caller trusts: the log's key, and the keys of witnesses that it counts. */
export interface CheckpointTrust {
  readonly logKey: VerifierKey | string
  readonly witnessKeys?: readonly (VerifierKey | string)[]
}

/** A witness that cosigned, and when (Unix seconds). */
export interface Witness {
  readonly name: string
  readonly time: number
}

/**
 * The checkpoint in a signed note, once the log itself has signed it; with the witnesses that did. The log's key must bear
 * the name of the origin, so that a key of one log cannot speak for another. A witness counts once, and only with a key of
 * the cosignature type. Throws `NoteError` or `MerkleError`.
 */
export function openCheckpoint(
  note: string,
  trust: CheckpointTrust,
): Checkpoint & { readonly witnesses: Witness[] } {
  const logKey = asKey(trust.logKey)
  const witnessKeys = (trust.witnessKeys ?? []).map(asKey)
  if (logKey.algorithm !== noteAlgorithms.ed25519)
    throw new NoteError('unknown_algorithm', 'not the key of a log')
  if (witnessKeys.some(({ algorithm }) => algorithm !== noteAlgorithms.cosignature)) {
    throw new NoteError('unknown_algorithm', 'not the key of a witness')
  }
  const { text, signers } = verifyNote(note, [logKey, ...witnessKeys])
  if (!signers.some(({ key }) => key.algorithm === noteAlgorithms.ed25519)) {
    throw new NoteError('no_known_signature', 'the log has not signed the checkpoint')
  }
  const checkpoint = parseCheckpoint(text)
  if (checkpoint.origin !== logKey.name)
    throw new NoteError('bad_signature', 'the key is that of another log')
  return { ...checkpoint, witnesses: witnessesOf(signers) }
}

/** One line per public key: the message of a cosignature does not name the witness, so one key could sign under many names. */
function witnessesOf(signers: ReturnType<typeof verifyNote>['signers']): Witness[] {
  const witnesses = new Map<string, Witness>()
  for (const { key, time } of signers) {
    const handle = Buffer.from(key.publicKey).toString('hex')
    if (time !== undefined && !witnesses.has(handle)) witnesses.set(handle, { name: key.name, time })
  }
  return [...witnesses.values()]
}

function asKey(key: VerifierKey | string): VerifierKey {
  return typeof key === 'string' ? parseVerifierKey(key) : key
}
