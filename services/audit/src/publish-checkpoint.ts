import { emptyRoot, formatCheckpoint, signNote, verifyConsistency } from '@tallystick/merkle'
import { insert } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { checkpoints, sizeId } from './collections.ts'
import type { LogSigner } from './log-key.ts'
import { consistencyFromTiles, latestCheckpoint, logSize, rootFromTiles } from './log-reader.ts'

/** The log contradicts itself: its tiles do not continue the last signed head. Nothing is signed until a person looked. */
export class BrokenLog extends Error {
  override readonly name = 'BrokenLog'
}

/**
 * Signs the present head and stores it, if it grew. The root is derived anew from the stored tiles and proved consistent
 * with the last signed one first: a head that does not follow is never signed. True when a checkpoint was published.
 */
export async function publishCheckpoint(
  { store, origin, signer, now }: { store: Store; origin: string; signer: LogSigner; now: () => Date },
  fence: () => Write,
): Promise<boolean> {
  const last = await latestCheckpoint(store, origin)
  const size = await logSize(store, origin)
  if (last && last.size === size) return false
  if (last && last.size > size)
    throw new BrokenLog(`the log has ${size} entries, but ${last.size} were signed`)
  const root = size === 0 ? emptyRoot() : await rootFromTiles(store, size)
  if (last && last.size > 0) {
    const proof = await consistencyFromTiles(store, last.size, size)
    if (!verifyConsistency({ from: last.size, to: size, fromRoot: last.root, toRoot: root, proof })) {
      throw new BrokenLog(`the tiles at size ${size} do not continue the checkpoint of size ${last.size}`)
    }
  }
  const note = await signNote(formatCheckpoint({ origin, size, root }), signer)
  await store.commit([
    fence(),
    insert(checkpoints, { id: sizeId(size), log: origin, size, root, note, at: now() }),
  ])
  return true
}
