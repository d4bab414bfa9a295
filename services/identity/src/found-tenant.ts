import { scopes } from '@tallystick/protocol'
import type { Account, ApiKeyView, Scope } from '@tallystick/protocol'
import { planKey } from '@tallystick/runtime'
import type { Plan } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import { announceEvent } from './administrative-event.ts'
import { accounts } from './collections.ts'
import { newAccount } from './create-account.ts'
import type { Deps } from './deps.ts'
import { accountView, apiKeyView } from './views.ts'

/** What an operator's key may carry within its own marketplace. */
export const operatorScopes: readonly Scope[] = (Object.keys(scopes) as Scope[]).filter(
  (one) => one !== 'platform' && one !== 'service',
)

/** How a marketplace begins. */
export interface Founding {
  name: string
  email?: string | undefined
  country?: string | undefined
  /** Of the first key; all of an operator unless told. */
  scopes?: readonly Scope[]
  /** The account that asks; the new one itself when nobody does. */
  actor?: string
}

/** A new marketplace: an operator account, whose id is its tenant, and a first key behind `secret`. */
export function foundTenant(
  deps: Pick<Deps, 'now' | 'newId' | 'mode'>,
  { name, email, country, actor, scopes: granted = operatorScopes }: Founding,
  secret: string,
): Plan<{ account: Account; key: ApiKeyView }> {
  const at = deps.now()
  const id = deps.newId('account')
  const event = announceEvent(deps, id)
  const { auditId } = event
  const account = newAccount(
    { role: 'operator', name, email, country, plan: 'standard', metadata: {} },
    { id, tenant: id, at, auditId },
  )
  const { role, plan } = account
  const key = planKey(
    { tenant: id, account: id, role, plan, name: 'first key', scopes: [...granted], auditId },
    { secret, at },
  )
  const answer = { account: accountView(account, deps.mode), key: apiKeyView(key.answer, at) }
  const change = { tenant: id, kind: 'tenant.created', actor: actor ?? id, subject: id } as const
  return {
    writes: [insert(accounts, account), ...key.writes, event.write({ ...change, after: answer }, at)],
    answer,
  }
}
