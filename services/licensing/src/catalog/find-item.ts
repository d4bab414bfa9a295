import { Fault } from '@tallystick/protocol'
import type { ItemDetail } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import { datasets, items, offers } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { itemIdOf } from '../item-id.ts'
import type { StoredDataset } from './find-dataset.ts'
import { itemView } from './item-view.ts'
import type { StoredItem } from './prepare-items.ts'
import { mayRead } from './reach.ts'

const shownOffers = 100

/** The item that the caller may see as `name` (its id or its hash), with its dataset. Throws Fault `not_found`. */
export async function requireItem(
  deps: Pick<Deps, 'store' | 'identity'>,
  caller: Caller,
  name: string,
): Promise<{ item: Stored<StoredItem>; dataset: Stored<StoredDataset> | undefined }> {
  const id = name.startsWith('sha256:') ? itemIdOf(caller.tenant, name) : name
  const item = await deps.store.get(items, id)
  if (item?.tenant !== caller.tenant) throw new Fault('not_found')
  const dataset = item.dataset === undefined ? undefined : await deps.store.get(datasets, item.dataset)
  if (!(await mayRead(deps, caller, [...item.creators, ...(dataset?.creators ?? [])])))
    throw new Fault('not_found')
  return { item, dataset }
}

/** An item with the offers that are open for it and its consents. Throws Fault `not_found`. */
export async function describeItem(deps: Deps, caller: Caller, name: string): Promise<ItemDetail> {
  const { item, dataset } = await requireItem(deps, caller, name)
  const consents = [...item.consents, ...(dataset?.consents ?? [])]
  return {
    ...itemView(deps.livemode, item, dataset),
    offers: await openOffers(deps, item),
    ...(caller.role !== 'developer' && { consents }),
  }
}

async function openOffers({ store, now }: Pick<Deps, 'store' | 'now'>, item: StoredItem): Promise<string[]> {
  const at = now()
  const names = [item.hash, item.dataset, item.reference].filter((name) => name !== undefined)
  const pages = await Promise.all(
    names.map((name) =>
      store.find(offers.byItem, {
        equals: [item.tenant, name, 'open'],
        order: 'desc',
        limit: shownOffers,
      }),
    ),
  )
  const open = pages
    .flatMap((page) => page.items)
    .filter(({ expiresAt }) => !expiresAt || expiresAt > at)
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
  return [...new Set(open.map(({ id }) => id))].slice(0, shownOffers)
}
