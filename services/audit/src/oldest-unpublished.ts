import type { Store } from '@tallystick/storage'
import { batches, positions, receipts } from './collections.ts'
import { latestCheckpoint, splitEntries } from './log-reader.ts'

/**
 * By when the first entry that has its place, but stands in no published checkpoint, was promised to stand in one;
 * undefined where there is none. Checkpoints end where batches do.
 */
export async function oldestUnpublished(store: Store, origin: string): Promise<Date | undefined> {
  const signed = (await latestCheckpoint(store, origin))?.size ?? 0
  const { items } = await store.find(batches.byFirst, { equals: [origin], range: { from: signed }, limit: 1 })
  const [entry] = items[0] ? splitEntries(items[0].entries) : []
  if (!entry) return undefined
  const position = await store.get(positions, Buffer.from(entry).toString('hex'))
  return position && (await store.get(receipts, position.receipt))?.mergeBy
}
