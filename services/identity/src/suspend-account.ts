import { Fault } from '@tallystick/protocol'
import type { Account } from '@tallystick/protocol'
import type { Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import { announceEvent } from './administrative-event.ts'
import { accounts } from './collections.ts'
import type { StoredAccount } from './collections.ts'
import type { Actor, Deps } from './deps.ts'
import { findAccount } from './find-account.ts'
import { accountView } from './views.ts'

type Needs = Pick<Deps, 'store' | 'now' | 'newId' | 'mode'>

/** Stops an account's keys until it is reactivated. Throws Fault `not_found`, `invalid_state`. */
export function suspendAccount(
  deps: Needs,
  caller: Actor,
  input: { account_id: string; reason: string },
): Promise<Plan<Account>> {
  return changeStatus(deps, caller, input, 'suspended')
}

/** Lets a suspended account's keys work again. Throws Fault `not_found`, `invalid_state`. */
export function reactivateAccount(
  deps: Needs,
  caller: Actor,
  input: { account_id: string; reason: string },
): Promise<Plan<Account>> {
  return changeStatus(deps, caller, input, 'active')
}

async function changeStatus(
  deps: Needs,
  caller: Actor,
  { account_id: id, reason }: { account_id: string; reason: string },
  status: StoredAccount['status'],
): Promise<Plan<Account>> {
  const { version, ...before } = await findAccount(deps, caller.tenant, id)
  if (before.status === status)
    throw new Fault('invalid_state', {
      detail: `The account is ${status}; this is possible from ${status === 'active' ? 'suspended' : 'active'}`,
    })
  // Without its founder nobody could undo it: the tenant would be locked out of itself.
  if (id === before.tenant)
    throw new Fault('invalid_state', {
      detail: 'The founding account of a marketplace cannot be suspended',
    })
  const at = deps.now()
  const { tenant } = caller
  const event = announceEvent(deps, tenant)
  const after: StoredAccount = { ...before, status, updatedAt: at, auditId: event.auditId }
  if (status === 'suspended') after.suspensionReason = reason
  else delete after.suspensionReason
  const answer = accountView(after, deps.mode)
  const change = {
    tenant,
    kind: status === 'suspended' ? 'account.suspended' : 'account.reactivated',
    actor: caller.account,
    subject: id,
    before: accountView(before, deps.mode),
    after: answer,
    reason,
  } as const
  return { writes: [replace(accounts, after, version), event.write(change, at)], answer }
}
