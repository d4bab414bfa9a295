import { Fault } from '@tallystick/protocol'
import type { FieldError } from '@tallystick/protocol'
import type { z } from 'zod'
import { datasets, items } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { itemIdOf } from '../item-id.ts'

type Item = z.output<(typeof items)['schema']>
type Dataset = z.output<(typeof datasets)['schema']>

/** What a reference of a license stands for in the catalog: an item or a dataset, or nothing that is registered. */
export interface Resolved {
  /** As it was written. */
  written: string
  /** As it is kept: the item's hash, the dataset's id, or what was written. */
  reference: string
  item?: Item | undefined
  dataset?: Dataset | undefined
}

type CatalogDeps = Pick<Deps, 'store'>

/**
 * What each reference stands for: a hash, an item id, a dataset id, or the tenant's own reference of a dataset or of
 * one item. Unknown references are kept as they were written, so that a license may come before its dataset.
 */
export async function resolveItems(
  { store }: CatalogDeps,
  tenant: string,
  references: readonly string[],
): Promise<Resolved[]> {
  const own = <T extends { tenant: string }>(found: T | undefined) =>
    found?.tenant === tenant ? found : undefined
  const itemIds = references.map((one) => (one.startsWith('sha256:') ? itemIdOf(tenant, one) : one))
  const foundItems = await store.getMany(items, itemIds)
  const foundDatasets = await store.getMany(datasets, references)
  return Promise.all(
    references.map(async (written, index) => {
      const item = own(foundItems[index])
      if (item) return { written, reference: item.hash, item }
      const dataset = own(foundDatasets[index])
      if (dataset) return { written, reference: dataset.id, dataset }
      if (written.startsWith('sha256:')) return { written, reference: written }
      return byReference({ store }, tenant, written)
    }),
  )
}

async function byReference({ store }: CatalogDeps, tenant: string, written: string): Promise<Resolved> {
  const query = { equals: [tenant, written], limit: 2 }
  const [dataset] = (await store.find(datasets.byReference, query)).items
  if (dataset) return { written, reference: dataset.id, dataset }
  const [item, another] = (await store.find(items.byReference, query)).items
  // Two items of one reference: nobody can tell which is meant.
  if (item && !another) return { written, reference: item.hash, item }
  return { written, reference: written }
}

/**
 * The references as a license keeps them, each once. With `names`, those of a creator, all must be registered as the
 * creator's own: Fault `reference_not_found` otherwise.
 */
export async function itemsToKeep(
  { store }: CatalogDeps,
  tenant: string,
  references: readonly string[],
  names?: readonly string[],
): Promise<string[]> {
  const resolved = await resolveItems({ store }, tenant, references)
  if (names) {
    const homes = await store.getMany(
      datasets,
      resolved.map(({ item }) => item?.dataset ?? '-'),
    )
    const errors = resolved.flatMap(({ item, dataset }, index): FieldError[] => {
      const creators = [...(item?.creators ?? []), ...((dataset ?? homes[index])?.creators ?? [])]
      // What is not registered yet, or stands for two things, may turn out to be another's.
      if (creators.some((creator) => names.includes(creator))) return []
      return [{ pointer: `/items/${index}`, message: 'is nothing that you can license' }]
    })
    if (errors.length > 0) throw new Fault('reference_not_found', { errors: errors.slice(0, 50) })
  }
  return [...new Set(resolved.map(({ reference }) => reference))]
}
