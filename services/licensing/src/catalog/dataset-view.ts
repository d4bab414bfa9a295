import type { dataset } from '@tallystick/protocol'
import type { z } from 'zod'
import { datasetTotals } from '../collections.ts'
import type { Deps } from '../deps.ts'
import type { StoredDataset } from './find-dataset.ts'

export type Dataset = z.infer<typeof dataset>

/** A dataset as the API tells it. */
export function datasetView(livemode: boolean, stored: StoredDataset, items: number): Dataset {
  return {
    object: 'dataset',
    id: stored.id,
    livemode,
    ...(stored.reference !== undefined && { reference: stored.reference }),
    name: stored.name,
    creators: stored.creators,
    consent_required: stored.consentRequired,
    prohibited_uses: stored.prohibitedUses,
    items,
    metadata: stored.metadata,
    created_at: stored.createdAt.toISOString(),
  }
}

/** How many items each of the datasets has, in the order of `ids`. */
export async function countItems({ store }: Pick<Deps, 'store'>, ids: readonly string[]): Promise<number[]> {
  const totals = await store.getMany(datasetTotals, ids)
  return totals.map((total) => total?.items ?? 0)
}
