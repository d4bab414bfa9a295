import type { AccountRole } from '@tallystick/protocol'
import { apiKeys, reachesTenant } from '@tallystick/runtime'
import type { ApiKey, PageQuery } from '@tallystick/runtime'
import type { Page } from '@tallystick/storage'
import { accounts } from './collections.ts'
import type { StoredAccount } from './collections.ts'
import type { Actor, Deps } from './deps.ts'
import { accountByReference } from './find-account.ts'

/** A page of the accounts that the caller may see. */
export async function listAccounts(
  deps: Pick<Deps, 'store'>,
  caller: Actor,
  filter: { role?: AccountRole | undefined; external_id?: string | undefined },
  query: PageQuery,
): Promise<Page<StoredAccount>> {
  const { store } = deps
  const { tenant } = caller
  const { role, external_id: externalId } = filter
  const only = reachesTenant(caller) ? externalId : caller.account
  if (only !== undefined) {
    const found = await accountByReference(deps, tenant, only)
    const fits =
      found &&
      (role === undefined || found.role === role) &&
      (externalId === undefined || found.externalId === externalId)
    return { items: fits ? [found] : [] }
  }
  if (role !== undefined) return store.find(accounts.byRole, { equals: [tenant, role], ...query })
  return store.find(accounts.byTenant, { equals: [tenant], ...query })
}

/** A page of the keys that the caller may see. */
export async function listKeys(
  { store }: Pick<Deps, 'store'>,
  caller: Actor,
  { account }: { account?: string | undefined },
  query: PageQuery,
): Promise<Page<ApiKey>> {
  const { tenant } = caller
  if (!reachesTenant(caller) && account !== undefined && account !== caller.account) return { items: [] }
  const only = reachesTenant(caller) ? account : caller.account
  if (only === undefined) return store.find(apiKeys.byTenant, { equals: [tenant], ...query })
  return store.find(apiKeys.byAccount, { equals: [tenant, only], ...query })
}
