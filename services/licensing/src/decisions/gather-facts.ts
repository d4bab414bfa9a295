import type { Collection, Document, Store, Stored } from '@tallystick/storage'
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
  const datasetOf = await readAll(store, datasets, new Set(stored.map((item) => item?.dataset)))
  const found = hashes.map((hash, place) => {
    const item = stored[place]
    const dataset = datasetOf.get(item?.dataset ?? '')
    return { hash, item, dataset, references: referencesOf(hash, item, dataset) }
  })
  const [consentOf, covering] = await Promise.all([
    readAll(store, consents, consentIdsOf([...stored, ...datasetOf.values()])),
    coveringLicenses(store, { ...question, references: found.map(({ references }) => references) }),
  ])
  return found.map(({ hash, item, dataset, references }, place) => ({
    hash,
    item,
    dataset,
    references,
    consents: allOf(consentOf, consentIdsOf([item, dataset])),
    licenses: covering[place] ?? [],
    offers: [],
  }))
}

function referencesOf(hash: string, item?: StoredItem, dataset?: StoredDataset): string[] {
  const names = [hash]
  for (const name of [item?.reference, dataset?.id, dataset?.reference])
    if (name !== undefined && !names.includes(name)) names.push(name)
  return names
}

function consentIdsOf(holders: readonly (StoredItem | StoredDataset | undefined)[]): Set<string> {
  const ids = new Set<string>()
  for (const holder of holders) for (const id of holder?.consents ?? []) ids.add(id)
  return ids
}

/** The documents with some ids, by id. */
async function readAll<T extends Document>(
  store: Store,
  collection: Collection<T>,
  ids: Set<string | undefined>,
): Promise<Map<string, Stored<T>>> {
  const found = new Map<string, Stored<T>>()
  ids.delete(undefined)
  if (ids.size === 0) return found
  for (const one of await store.getMany(collection, [...ids] as string[])) if (one) found.set(one.id, one)
  return found
}

function allOf<T>(known: ReadonlyMap<string, T>, ids: Iterable<string>): T[] {
  const all: T[] = []
  for (const id of ids) {
    const one = known.get(id)
    if (one !== undefined) all.push(one)
  }
  return all
}
