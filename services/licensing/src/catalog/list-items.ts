import { Fault } from '@tallystick/protocol'
import type { Page, PageInput } from '@tallystick/protocol'
import { listPage } from '@tallystick/runtime'
import type { Caller, PageQuery } from '@tallystick/runtime'
import type { Page as Found } from '@tallystick/storage'
import { items } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { findMerged } from '../merged-page.ts'
import { findDataset } from './find-dataset.ts'
import { itemViews } from './item-view.ts'
import type { Item } from './item-view.ts'
import { creatorsToList } from './list-datasets.ts'
import type { StoredItem } from './prepare-items.ts'

/** Which items are asked for: one filter at most. */
export interface ItemFilter {
  dataset?: string | undefined
  creator?: string | undefined
}

/** A page of items, newest first; a creator's key finds its own, and those of its datasets. */
export async function listItems(
  deps: Deps,
  caller: Caller,
  input: PageInput & ItemFilter,
): Promise<Page<Item>> {
  if (input.dataset !== undefined && input.creator !== undefined) {
    const message = 'cannot be given with dataset'
    throw new Fault('validation_failed', { errors: [{ pointer: '/creator', message, fix: 'Keep one.' }] })
  }
  const find = await finderOf(deps, caller, input)
  const page = await listPage({ tenant: caller.tenant, url: '/v1/items' }, input, find, (stored) => stored)
  return { ...page, data: await itemViews(deps, page.data) }
}

async function finderOf(
  deps: Deps,
  caller: Caller,
  { dataset: name, creator }: ItemFilter,
): Promise<(query: PageQuery) => Promise<Found<StoredItem>>> {
  const { store } = deps
  const { tenant } = caller
  if (name !== undefined) {
    const dataset = await findDataset(deps, caller, name)
    if (!dataset) return async () => ({ items: [] })
    return (query) => store.find(items.byDataset, { equals: [tenant, dataset.id], ...query })
  }
  const creators = await creatorsToList(deps, caller, creator)
  if (!creators) return (query) => store.find(items.byTenant, { equals: [tenant], ...query })
  const finders = creators.map(
    (one) => (query: PageQuery) => store.find(items.byCreator, { equals: [tenant, one], ...query }),
  )
  return (query) => findMerged(finders, query)
}
