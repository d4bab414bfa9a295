import { NoteError, verifyNote } from '@tallystick/merkle'
import type { Store } from '@tallystick/storage'
import { batches, sizeId } from './collections.ts'
import type { LogSigner } from './log-key.ts'
import { latestCheckpoint } from './log-reader.ts'

/** The database and the configuration are of different logs. Nothing is signed: a head by another key is a fork to all who look. */
export class ForeignLog extends Error {
  override readonly name = 'ForeignLog'
}

/**
 * Throws ForeignLog where the store holds the log of another origin, or one whose heads another key signed: a wrong
 * database, a lost key file, a copy with keys of its own.
 */
export async function requireOwnLog(
  store: Store,
  { origin, signer }: { origin: string; signer: LogSigner },
): Promise<void> {
  const first = await store.get(batches, sizeId(0))
  if (first && first.log !== origin)
    throw new ForeignLog(`The database holds the log ${first.log}, and LOG_ORIGIN is ${origin}`)
  const last = await latestCheckpoint(store, origin)
  if (last) requireOwnHead(last, signer)
}

/** Throws ForeignLog unless the signer signed the head. */
export function requireOwnHead({ note, size }: { note: string; size: number }, signer: LogSigner): void {
  try {
    verifyNote(note, [signer.verifierKey])
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause
    throw new ForeignLog(
      `The head of ${size} entries is not signed by the log key of AUDIT_KEY_FILE, which is ${signer.verifierKey}`,
      { cause },
    )
  }
}
