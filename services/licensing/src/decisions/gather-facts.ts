import type { Store, Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { consents, datasets, items } from '../collections.ts'
import { itemIdOf } from '../item-id.ts'
import { coveringLicenses } from './covering-licenses.ts'
import type { ItemFacts } from './policy-facts.ts'
import type { Question } from './question.ts'

type StoredItem = Stored<z.infer<typeof items.schema>>
type StoredDataset = Stored<z.infer<typeof datasets.schema>>

/** What a decision rests on, with the names under which agreements and offers may cover the item. */
export interface GatheredFacts extends ItemFacts {
  readonly references: readonly string[]
}

/**
 * The facts of each item, in the order of the hashes and without offers. All is read afresh, so that a withdrawal acts
 * on the next decision. Throws Fault `validation_failed` when too many agreements come into question.
 */
export async function gatherFacts(store: Store, question: Question): Promise<GatheredFacts[]> {
  const { tenant, hashes } = question
  const ids = hashes.map((hash) => itemIdOf(tenant, hash))
  const stored = await store.getMany(items, ids)
  const datasetIds = distinct(stored.map((item) => item?.dataset))
  const datasetOf = byId(await store.getMany(datasets, datasetIds))
  const consentIds = distinct([...stored, ...datasetOf.values()].flatMap((one) => one?.consents ?? []))
  const found = hashes.map((hash, place) => {
    const item = stored[place]
    const dataset = datasetOf.get(item?.dataset ?? '')
    return { hash, item, dataset, references: referencesOf(hash, item, dataset) }
  })
  const references = found.map((one) => one.references)
  const [consentOf, covering] = await Promise.all([
    store.getMany(consents, consentIds).then(byId),
    coveringLicenses(store, { ...question, references }),
  ])
  return found.map((one, place) => ({
    ...one,
    consents: distinct([...(one.item?.consents ?? []), ...(one.dataset?.consents ?? [])]).flatMap(
      (id) => consentOf.get(id) ?? [],
    ),
    licenses: covering[place] ?? [],
    offers: [],
  }))
}

function referencesOf(hash: string, item?: StoredItem, dataset?: StoredDataset): string[] {
  return distinct([hash, item?.reference, dataset?.id, dataset?.reference])
}

function byId<T extends { id: string }>(documents: readonly (T | undefined)[]): Map<string, T> {
  return new Map(documents.flatMap((one) => (one ? [[one.id, one]] : [])))
}

function distinct(values: readonly (string | undefined)[]): string[] {
  const all = new Set(values)
  all.delete(undefined)
  return [...all] as string[]
}
