import type { ItemInput } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import { DuplicateKey, increment, insert } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { announce } from '../announce.ts'
import { datasetTotals, items } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { itemIdOf } from '../item-id.ts'
import { prepareItems } from './prepare-items.ts'
import type { AcceptedItem, ItemRefusal, PreparedItem, StoredItem } from './prepare-items.ts'

/** What became of one item. */
export type Registration =
  | { status: 'registered' | 'duplicate'; hash: string; id: string }
  | { status: 'refused'; hash: string; error: ItemRefusal }

// An audit record names 1,000 items at most. Bytes of JSON; a commit takes 12 MiB of BSON.
const chunkItems = 1000
const chunkBytes = 4 * 1024 * 1024
const tries = 8

/**
 * Registers items by their content hash, each on its own; answers in the order of `inputs`. What is registered already
 * is a duplicate, so a request can be repeated after a break. Items, the dataset's total and the event of a chunk are
 * one commit, so a total never differs from the items.
 */
export async function registerItems(
  deps: Deps,
  caller: Caller,
  inputs: readonly ItemInput[],
): Promise<Registration[]> {
  const registrations: Registration[] = []
  for (const chunk of chunksOf(await prepareItems(deps, caller, inputs))) {
    registrations.push(...(await registerChunk(deps, caller, chunk)))
  }
  return registrations
}

function chunksOf(prepared: readonly PreparedItem[]): PreparedItem[][] {
  const chunks: PreparedItem[][] = []
  let bytes = 0
  for (const one of prepared) {
    const size = 'document' in one ? JSON.stringify(one.document).length : 0
    const last = chunks.at(-1)
    if (last && last.length < chunkItems && bytes + size <= chunkBytes) {
      last.push(one)
      bytes += size
    } else {
      chunks.push([one])
      bytes = size
    }
  }
  return chunks
}

async function registerChunk(
  deps: Deps,
  caller: Caller,
  chunk: readonly PreparedItem[],
): Promise<Registration[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await deps.store.attempt(() => commitChunk(deps, caller, chunk))
    } catch (error) {
      // Another request registered one of them between our read and our commit: now it is there to be read.
      if (!(error instanceof DuplicateKey && error.collection === items.name) || attempt === tries)
        throw error
    }
  }
}

async function commitChunk(
  deps: Deps,
  caller: Caller,
  chunk: readonly PreparedItem[],
): Promise<Registration[]> {
  const { tenant } = caller
  const ids = [...new Set(chunk.map(({ hash }) => itemIdOf(tenant, hash)))]
  const known = new Map<string, StoredItem>()
  for (const found of await deps.store.getMany(items, ids)) if (found) known.set(found.id, found)
  const fresh: StoredItem[] = []
  const registrations = chunk.map((one): Registration => {
    if ('refusal' in one) return { status: 'refused', hash: one.hash, error: one.refusal }
    const { hash, document } = one
    const before = known.get(document.id)
    if (before) return compare(before, one)
    known.set(document.id, document)
    fresh.push(document)
    return { status: 'registered', hash, id: document.id }
  })
  if (fresh.length > 0) await deps.store.commit(writesOf(deps, caller, fresh))
  return registrations
}

function compare(before: StoredItem, { hash, document, creatorsGiven }: AcceptedItem): Registration {
  const refused = (detail: string, pointer: string): Registration => ({
    status: 'refused',
    hash,
    error: { code: 'already_exists', detail, pointer },
  })
  if (before.dataset !== document.dataset) return refused('is registered in another dataset', '/dataset')
  // Creators taken from the dataset say nothing about the item: the dataset's may have changed since.
  if (creatorsGiven && !sameSet(before.creators, document.creators))
    return refused('is registered for other creators', '/creators')
  return { status: 'duplicate', hash, id: before.id }
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one))
}

function writesOf(deps: Deps, caller: Caller, fresh: readonly StoredItem[]): Write[] {
  const { tenant } = caller
  const byDataset = Map.groupBy(fresh, ({ dataset }) => dataset)
  const totals = [...byDataset].flatMap(([dataset, registered]) =>
    dataset === undefined
      ? []
      : [increment(datasetTotals, dataset, { items: registered.length }, {}, { tenant })],
  )
  const { write } = announce(deps, caller, {
    kind: 'items.registered',
    items: fresh.map(({ hash }) => hash),
    data: { datasets: [...byDataset.keys()].filter((dataset) => dataset !== undefined).slice(0, 1000) },
  })
  return [...fresh.map((document) => insert(items, document)), ...totals, write]
}
