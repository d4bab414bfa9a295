import {
  appendLeaf,
  emptyFrontier,
  formatCheckpoint,
  frontierFrom,
  frontierRoot,
  leafHash,
  sameHash,
  signNote,
} from '@tallystick/merkle'
import { insert } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { batches, checkpoints, sizeId } from './collections.ts'
import type { LogSigner } from './log-key.ts'
import { requireOwnHead } from './require-own-log.ts'
import { frontierHashes, latestCheckpoint, logSize, rootFromTiles, splitEntries } from './log-reader.ts'
import type { PublishedCheckpoint } from './log-reader.ts'

/** The log contradicts itself: its tiles do not continue the last signed head. Nothing is signed until a person looked. */
export class BrokenLog extends Error {
  override readonly name = 'BrokenLog'
}

/**
 * Signs the present head and stores it, if it grew. The root is derived twice: from the stored tiles, and from the last
 * signed head and the batches since. A head that does not follow, or that another key began, is never signed. True when a
 * checkpoint was published.
 * Throws BrokenLog.
 */
export async function publishCheckpoint(
  { store, origin, signer, now }: { store: Store; origin: string; signer: LogSigner; now: () => Date },
  fence: () => Write,
): Promise<boolean> {
  const last = await latestCheckpoint(store, origin)
  const size = await logSize(store, origin)
  if (last && last.size === size) return false
  if (last) requireOwnHead(last, signer)
  if (last && last.size > size)
    throw new BrokenLog(`the log has ${size} entries, but ${last.size} were signed`)
  const root = await rootFromBatches(store, origin, last, size)
  if (size > 0 && !sameHash(root, await rootFromTiles(store, size)))
    throw new BrokenLog(`the tiles at size ${size} are not those of the log's batches`)
  const note = await signNote(formatCheckpoint({ origin, size, root }), signer)
  await store.commit([
    fence(),
    insert(checkpoints, { id: sizeId(size), log: origin, size, root, note, at: now() }),
  ])
  return true
}

/** The root of the first `size` entries: the tree of `last`, which the tiles must still have, and the batches since. */
async function rootFromBatches(
  store: Store,
  origin: string,
  last: PublishedCheckpoint | undefined,
  size: number,
): Promise<Uint8Array> {
  const signed = last?.size ?? 0
  const frontier = signed === 0 ? emptyFrontier() : frontierFrom(signed, await frontierHashes(store, signed))
  if (last && !sameHash(frontierRoot(frontier), last.root))
    throw new BrokenLog(`the tiles do not have the root that was signed at size ${signed}`)
  if (signed === size) return frontierRoot(frontier)
  for await (const batch of store.scan(batches.byFirst, { equals: [origin], range: { from: signed } })) {
    if (batch.first !== frontier.size)
      throw new BrokenLog(
        `the batch at ${batch.first} does not follow the ${frontier.size} entries before it`,
      )
    for (const entry of splitEntries(batch.entries)) appendLeaf(frontier, leafHash(entry))
    if (frontier.size >= size) break
  }
  if (frontier.size !== size)
    throw new BrokenLog(`the batches have ${frontier.size} entries where the log has ${size}`)
  return frontierRoot(frontier)
}
