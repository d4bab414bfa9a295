import { Fault, idSchema } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { datasets } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { mayRead } from './reach.ts'

export type StoredDataset = z.infer<(typeof datasets)['schema']>

const datasetId = idSchema('dataset')

/** The dataset that the caller calls `name` (its id or the tenant's reference), if the caller may see it. */
export async function findDataset(
  deps: Pick<Deps, 'store' | 'identity'>,
  caller: Caller,
  name: string,
): Promise<Stored<StoredDataset> | undefined> {
  const found = datasetId.safeParse(name).success
    ? await deps.store.get(datasets, name)
    : await findByReference(deps, caller.tenant, name)
  if (found?.tenant !== caller.tenant) return undefined
  return (await mayRead(deps, caller, found.creators)) ? found : undefined
}

/** The dataset that the caller may see as `id`. Throws Fault `not_found`. */
export async function requireDataset(
  deps: Pick<Deps, 'store' | 'identity'>,
  caller: Caller,
  id: string,
): Promise<Stored<StoredDataset>> {
  const found = await findDataset(deps, caller, id)
  if (!found) throw new Fault('not_found')
  return found
}

async function findByReference({ store }: Pick<Deps, 'store'>, tenant: string, reference: string) {
  const { items } = await store.find(datasets.byReference, { equals: [tenant, reference], limit: 1 })
  return items[0]
}
