import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import { consents, datasets, items } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { itemIdOf } from '../item-id.ts'
import type { StoredConsent } from './consent-view.ts'
import { ownNames } from './reach.ts'

/** The consent that the caller may see as `id`. Throws Fault `not_found`. */
export async function requireConsent(
  deps: Pick<Deps, 'store' | 'identity'>,
  caller: Caller,
  id: string,
): Promise<Stored<StoredConsent>> {
  const found = await deps.store.get(consents, id)
  if (found?.tenant !== caller.tenant) throw new Fault('not_found')
  const names = await ownNames(deps, caller)
  if (names && !(await concerns(deps, found, names))) throw new Fault('not_found')
  return found
}

/** Whether one of `names` gave the consent, or made all that it covers. */
async function concerns(
  { store }: Pick<Deps, 'store'>,
  { tenant, subject, grantedBy, items: hashes, dataset }: StoredConsent,
  names: readonly string[],
): Promise<boolean> {
  if (names.includes(subject) || (grantedBy !== undefined && names.includes(grantedBy))) return true
  const covered =
    dataset === undefined
      ? await store.getMany(
          items,
          (hashes ?? []).map((hash) => itemIdOf(tenant, hash)),
        )
      : [await store.get(datasets, dataset)]
  return covered.every((one) => one?.creators.some((creator) => names.includes(creator)) === true)
}
