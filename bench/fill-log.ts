import { auditCollections, kmsClient, readKeyFile } from '@tallystick/audit'
import { systemEntropy } from '@tallystick/runtime'
import { collection, ensure, expect, openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { join } from 'node:path'
import { z } from 'zod'
import { queue } from '../services/audit/src/collections.ts'
import { openKeys } from '../services/audit/src/kms/sealed-keys.ts'
import { publishCheckpoint } from '../services/audit/src/publish-checkpoint.ts'
import { beginSequencing } from '../services/audit/src/sequence.ts'
import { sampleEntry } from './sample-records.ts'

const callSize = 1000
const callsAtOnce = 30
// Nobody else runs on these files: what stands for the lease is a document that never changes.
const tenure = collection('bench_tenure', { schema: z.object({ id: z.string() }), partition: 'id' })

/**
 * Fills a log to `size` entries through the service's own sequencer and storage, without HTTP and signatures, and signs
 * its head. Gives the seconds that sequencing took (queueing apart).
 */
export async function fillLog(directory: string, origin: string, size: number): Promise<number> {
  const store = await openStore(`sqlite:${directory}`, {
    name: 'audit-test',
    collections: [...auditCollections, tenure],
  })
  try {
    await store.commit([ensure(tenure, { id: 'bench' })])
    return await fill(store, { directory, origin, size })
  } finally {
    await store.close()
  }
}

async function fill(
  store: Store,
  { directory, origin, size }: { directory: string; origin: string; size: number },
): Promise<number> {
  const { now, newId } = systemEntropy()
  const fence = () => expect(tenure, 'bench', 1)
  const placeNext = await beginSequencing({ store, origin }, fence)
  let seconds = 0
  for (let first = 0; first < size; first += callSize * callsAtOnce) {
    const count = Math.min(callSize * callsAtOnce, size - first)
    await store.insertMany(queue, [...waiting(first, count, origin, now, newId)])
    const started = performance.now()
    for (let placed = 0; placed < count;) placed += await placeNext()
    seconds += (performance.now() - started) / 1000
  }
  const keys = readKeyFile(join(directory, 'keys.json'), { create: true })
  const { signer } = await openKeys(keys, origin, kmsClient())
  await publishCheckpoint({ store, origin, signer, now }, fence)
  return seconds
}

function* waiting(
  first: number,
  count: number,
  log: string,
  now: () => Date,
  newId: (kind: 'request') => string,
) {
  for (let done = 0; done < count; done += callSize) {
    const turns = Array.from({ length: Math.min(callSize, count - done) }, (_, place) => first + done + place)
    yield {
      id: newId('request'),
      log,
      // In the order of the calls, so that entry n is at index n.
      at: new Date(now().getTime() + done / callSize),
      mergeBy: new Date(now().getTime() + 60_000),
      entries: Buffer.concat(turns.map(sampleEntry)),
      receipts: turns.map((turn) => `aud_${String(turn).padStart(26, '0')}`),
    }
  }
}
