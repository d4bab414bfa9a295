import type { Account, AccountUpdate } from '@tallystick/protocol'
import type { Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import { announceEvent } from './administrative-event.ts'
import { accounts } from './collections.ts'
import type { StoredAccount } from './collections.ts'
import { requireFreeReference } from './create-account.ts'
import type { Actor, Deps } from './deps.ts'
import { findAccount } from './find-account.ts'
import { requirePlan } from './require-plan.ts'
import { accountView } from './views.ts'

/** Changes fields of an account. Throws Fault `not_found`, `forbidden`, `already_exists`, `validation_failed`. */
export async function updateAccount(
  deps: Pick<Deps, 'store' | 'now' | 'newId' | 'mode' | 'plans'>,
  caller: Actor,
  { account_id: id, ...input }: AccountUpdate,
): Promise<Plan<Account>> {
  const { version, ...before } = await findAccount(deps, caller.tenant, id)
  const { tenant } = caller
  if (input.plan !== undefined && input.plan !== before.plan) requirePlan(deps, caller, input.plan)
  await requireFreeReference(deps, tenant, input.external_id, id)
  const at = deps.now()
  const event = announceEvent(deps, tenant)
  const after: StoredAccount = {
    ...before,
    name: input.name ?? before.name,
    plan: input.plan ?? before.plan,
    metadata: input.metadata ?? before.metadata,
    updatedAt: at,
    auditId: event.auditId,
  }
  setOrDelete(after, 'email', input.email)
  setOrDelete(after, 'country', input.country)
  setOrDelete(after, 'externalId', input.external_id)
  const answer = accountView(after, deps.mode)
  const change = {
    tenant,
    kind: 'account.updated',
    actor: caller.account,
    subject: id,
    before: accountView(before, deps.mode),
    after: answer,
  } as const
  return { writes: [replace(accounts, after, version), event.write(change, at)], answer }
}

function setOrDelete(
  account: StoredAccount,
  field: 'email' | 'country' | 'externalId',
  value: string | null | undefined,
): void {
  if (value === null) delete account[field]
  else if (value !== undefined) account[field] = value
}
