import type { Account } from '@tallystick/protocol'
import type { ApiKey, Authenticator, Caller, Plan } from '@tallystick/runtime'
import type { Store } from '@tallystick/storage'
import { accounts } from './collections.ts'
import type { Actor, Deps } from './deps.ts'
import { accountByReference } from './find-account.ts'
import { forgetAccounts, tellAccounts } from './personal-records.ts'
import type { ForgottenAccounts } from './personal-records.ts'
import { reactivateAccount, suspendAccount } from './suspend-account.ts'
import { accountView } from './views.ts'

/** What other services ask of identity: in the same process by this, over HTTP by `httpIdentityLink` of the runtime. */
export interface IdentityLink extends Authenticator {
  /** The names of the party behind an account id or a reference of the tenant's own; undefined where it has no account. */
  resolveParty(
    tenant: string,
    reference: string,
  ): Promise<{ account: string; reference: string | undefined } | undefined>
  account(tenant: string, id: string): Promise<Account | undefined>
  /**
   * Stops the keys of a party's account. Nothing changes for a party without an account, for a marketplace's founder,
   * and when they are stopped already.
   */
  suspend(tenant: string, reference: string, reason: string): Promise<void>
  reactivate(tenant: string, reference: string, reason: string): Promise<void>
  /** What identity keeps of persons. */
  personal: {
    holds: 'accounts'
    tell(tenant: string, names: readonly string[]): Promise<Account[]>
    forget(tenant: string, subject: { names: readonly string[] }): Promise<ForgottenAccounts>
  }
}

/** The link for services in the same process. Keys are remembered for 5 s at most, as everywhere. */
export function identityLink(deps: Deps): IdentityLink {
  const { store, mode, keys } = deps

  async function change(tenant: string, reference: string, to: 'active' | 'suspended', reason: string) {
    const actor: Actor = { tenant, account: tenant, role: 'operator', scopes: [] }
    await store.attempt(async () => {
      const found = await accountByReference(deps, tenant, reference)
      if (!found || found.id === tenant || found.status === to) return
      const input = { account_id: found.id, reason }
      const plan: Plan<Account> =
        to === 'active'
          ? await reactivateAccount(deps, actor, input)
          : await suspendAccount(deps, actor, input)
      await store.commit(plan.writes)
    })
    keys.forget()
  }

  return {
    authenticate: (secret) => keys.authenticate(secret),
    async resolveParty(tenant, reference) {
      const found = await accountByReference(deps, tenant, reference)
      return found && { account: found.id, reference: found.externalId }
    },
    async account(tenant, id) {
      const found = await store.get(accounts, id)
      return found?.tenant === tenant ? accountView(found, mode) : undefined
    },
    suspend: (tenant, reference, reason) => change(tenant, reference, 'suspended', reason),
    reactivate: (tenant, reference, reason) => change(tenant, reference, 'active', reason),
    personal: {
      holds: 'accounts',
      tell: (tenant, names) => tellAccounts(deps, tenant, names),
      forget: (tenant, { names }) => forgetAccounts(deps, tenant, names),
    },
  }
}

/** Who a key speaks for: role, plan and reference as its account has them now; nobody when that is suspended. */
export function holderOf(
  store: Store,
): (key: ApiKey) => Promise<Pick<Caller, 'role' | 'plan' | 'reference'> | undefined> {
  return async ({ tenant, account }) => {
    const found = await store.get(accounts, account)
    if (found?.tenant !== tenant || found.status !== 'active') return undefined
    return { role: found.role, plan: found.plan, reference: found.externalId }
  }
}
