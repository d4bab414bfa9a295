import type { item } from '@tallystick/protocol'
import type { z } from 'zod'
import { datasets } from '../collections.ts'
import type { Deps } from '../deps.ts'
import type { StoredDataset } from './find-dataset.ts'
import type { StoredItem } from './prepare-items.ts'

export type Item = z.infer<typeof item>

/** An item as the API tells it; `dataset` is its own, when it has one. */
export function itemView(livemode: boolean, stored: StoredItem, dataset: StoredDataset | undefined): Item {
  return {
    object: 'item',
    id: stored.id,
    livemode,
    hash: stored.hash,
    ...(stored.reference !== undefined && { reference: stored.reference }),
    ...(stored.dataset !== undefined && { dataset: stored.dataset }),
    creators: stored.creators,
    consent_required: stored.consentRequired ?? dataset?.consentRequired ?? true,
    prohibited_uses: stored.prohibitedUses,
    metadata: stored.metadata,
    created_at: stored.createdAt.toISOString(),
  }
}

/** Items as the API tells them, in the same order. */
export async function itemViews(
  { store, livemode }: Pick<Deps, 'store' | 'livemode'>,
  stored: readonly StoredItem[],
): Promise<Item[]> {
  const ids = [...new Set(stored.flatMap(({ dataset }) => (dataset === undefined ? [] : [dataset])))]
  const found = new Map<string, StoredDataset>()
  for (const dataset of await store.getMany(datasets, ids)) if (dataset) found.set(dataset.id, dataset)
  return stored.map((one) => itemView(livemode, one, found.get(one.dataset ?? '')))
}
