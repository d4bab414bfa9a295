import { MerkleError, NoteError, parseCheckpoint, sameHash, tileSource, verifyNote } from '@tallystick/merkle'
import type { Checkpoint } from '@tallystick/merkle'
import { FetchError } from './fetch-text.ts'
import { fetchCheckpoint, httpTiles } from './log-client.ts'
import { rootsOfOneTree } from './tree-heads.ts'

/** A checkpoint that the pinned key signed. */
export interface SignedHead extends Checkpoint {
  note: string
}

/** What one look at a log showed. */
export type Observation =
  /** `shownSize` is that of the head that the log shows now; less than the kept head's when the log, or a cache, is behind. */
  | { kind: 'consistent'; head: SignedHead; shownSize: number }
  | { kind: 'fork'; reason: string; head: SignedHead }
  | { kind: 'unverified'; reason: string }

/** Opens a checkpoint with the pinned key; the log's name is the key's. Throws NoteError or MerkleError. */
export function openHead(note: string, key: string): SignedHead {
  const { text, signers } = verifyNote(note, [key])
  const checkpoint = parseCheckpoint(text)
  if (signers[0]?.key.name !== checkpoint.origin) {
    throw new NoteError('bad_signature', 'the checkpoint is of another log than its key')
  }
  return { ...checkpoint, note }
}

/**
 * Fetches the log's checkpoint and checks it against the last one kept, from the log's own tiles. Throws FetchError when
 * the log cannot be reached.
 */
export async function observeLog(
  url: string,
  key: string,
  last: SignedHead | undefined,
): Promise<Observation> {
  const note = await fetchCheckpoint(url)
  let head: SignedHead
  try {
    head = openHead(note, key)
  } catch (error) {
    return unverified(`the checkpoint does not hold: ${reasonOf(error)}`, error)
  }
  return compareHeads(url, head, last)
}

async function compareHeads(
  url: string,
  head: SignedHead,
  last: SignedHead | undefined,
): Promise<Observation> {
  if (last?.size === head.size) {
    return sameHash(last.root, head.root)
      ? { kind: 'consistent', head, shownSize: head.size }
      : { kind: 'fork', reason: `two roots are signed for ${head.size} leaves`, head }
  }
  const older = last === undefined || last.size > head.size ? head : last
  const newer = older === head && last !== undefined ? last : head
  const compared = await rootsFromTiles(url, older.size, newer.size).catch((error: unknown) => {
    if (newer === head || !(error instanceof FetchError)) throw error
    // A log that was put back has no tiles of what it signed before.
    return {
      reason: `the log shows a head of ${head.size} leaves and no more the tree of ${newer.size} that it signed`,
    }
  })
  if ('reason' in compared) return { kind: 'unverified', reason: compared.reason }
  if (!sameHash(compared.toRoot, newer.root)) {
    return { kind: 'unverified', reason: `the tiles do not give the signed root of ${newer.size} leaves` }
  }
  if (!sameHash(compared.fromRoot, older.root)) {
    const reason = `the tree of ${newer.size} leaves does not begin with the signed tree of ${older.size}`
    return { kind: 'fork', reason, head }
  }
  // An older head that is consistent is a slow copy of the log, and nothing new.
  return { kind: 'consistent', head: newer, shownSize: head.size }
}

/** Both roots from the log's tiles; tiles of wrong lengths are a reason, not a crash. */
export async function rootsFromTiles(
  url: string,
  from: number,
  to: number,
): Promise<{ fromRoot: Uint8Array; toRoot: Uint8Array } | { reason: string }> {
  try {
    return await rootsOfOneTree(from, to, tileSource(httpTiles(url), to))
  } catch (error) {
    if (!(error instanceof MerkleError)) throw error
    return { reason: error.message }
  }
}

function unverified(reason: string, error: unknown): Observation {
  if (error instanceof NoteError || error instanceof MerkleError) return { kind: 'unverified', reason }
  throw error
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown reason'
}
