import { Fault } from '@tallystick/protocol'
import { reachesTenant } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import { accounts } from './collections.ts'
import type { StoredAccount } from './collections.ts'
import type { Actor, Deps } from './deps.ts'

/** An account of the tenant by its id. Throws the same Fault `not_found` for another tenant's as for a missing one. */
export async function findAccount(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  id: string,
): Promise<Stored<StoredAccount>> {
  const found = await store.get(accounts, id)
  if (!found || found.tenant !== tenant) throw new Fault('not_found')
  return found
}

/** An account that the caller may see. Throws Fault `not_found`. */
export async function findVisibleAccount(
  deps: Pick<Deps, 'store'>,
  caller: Actor,
  id: string,
): Promise<Stored<StoredAccount>> {
  if (!reachesTenant(caller) && id !== caller.account) throw new Fault('not_found')
  return findAccount(deps, caller.tenant, id)
}

/** The account that `reference` names: its id, or the tenant's own reference for it. */
export async function accountByReference(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  reference: string,
): Promise<Stored<StoredAccount> | undefined> {
  const byId = await store.get(accounts, reference)
  if (byId?.tenant === tenant) return byId
  const { items } = await store.find(accounts.byExternalId, { equals: [tenant, reference], limit: 1 })
  return items[0]
}
