import { Fault } from '@tallystick/protocol'
import { apiKeys, reachesTenant } from '@tallystick/runtime'
import type { ApiKey } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { Actor, Deps } from './deps.ts'

/** A key that the caller may see. Throws the same Fault `not_found` for one of others as for a missing one. */
export async function findKey(
  { store }: Pick<Deps, 'store'>,
  caller: Actor,
  id: string,
): Promise<Stored<ApiKey>> {
  const found = await store.get(apiKeys, id)
  if (!found || found.tenant !== caller.tenant) throw new Fault('not_found')
  if (!reachesTenant(caller) && found.account !== caller.account) throw new Fault('not_found')
  return found
}

/** A key that the caller may change. Throws Fault `not_found`, or `forbidden` for one that it only sees. */
export async function findChangeableKey(
  deps: Pick<Deps, 'store'>,
  caller: Actor,
  id: string,
): Promise<Stored<ApiKey>> {
  const found = await findKey(deps, caller, id)
  if (caller.role !== 'operator' && found.account !== caller.account)
    throw new Fault('forbidden', { detail: 'Only an operator account can do this' })
  return found
}
