import { Fault } from '@tallystick/protocol'
import type { Account, AccountInput } from '@tallystick/protocol'
import type { Plan } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import { announceEvent } from './administrative-event.ts'
import { accounts } from './collections.ts'
import type { StoredAccount } from './collections.ts'
import type { Actor, Deps } from './deps.ts'
import { requirePlan } from './require-plan.ts'
import { accountView } from './views.ts'

/** A new account in the caller's tenant. Throws Fault `forbidden`, `already_exists`, `validation_failed`. */
export async function createAccount(
  deps: Pick<Deps, 'store' | 'now' | 'newId' | 'mode' | 'plans'>,
  caller: Actor,
  input: AccountInput,
): Promise<Plan<Account>> {
  requirePlan(deps, caller, input.plan)
  const { tenant } = caller
  await requireFreeReference(deps, tenant, input.external_id)
  const at = deps.now()
  const event = announceEvent(deps, tenant)
  const account = newAccount(input, { id: deps.newId('account'), tenant, at, auditId: event.auditId })
  const answer = accountView(account, deps.mode)
  const change = { tenant, kind: 'account.created', actor: caller.account, subject: account.id } as const
  return { writes: [insert(accounts, account), event.write({ ...change, after: answer }, at)], answer }
}

/** The stored form of an account as it begins. */
export function newAccount(
  input: AccountInput,
  { id, tenant, at, auditId }: { id: string; tenant: string; at: Date; auditId: string },
): StoredAccount {
  const { role, name, email, country, external_id: externalId, plan, metadata } = input
  return {
    id,
    tenant,
    role,
    name,
    ...(email !== undefined && { email }),
    ...(country !== undefined && { country }),
    ...(externalId !== undefined && { externalId }),
    plan,
    metadata,
    status: 'active',
    createdAt: at,
    updatedAt: at,
    auditId,
  }
}

/** Throws Fault `already_exists` when another account of the tenant has the reference. */
export async function requireFreeReference(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  externalId: string | null | undefined,
  except?: string,
): Promise<void> {
  if (externalId === undefined || externalId === null) return
  const { items } = await store.find(accounts.byExternalId, { equals: [tenant, externalId], limit: 1 })
  const [taken] = items
  if (taken && taken.id !== except) throw referenceTaken(taken.id)
}

/** The refusal of a reference that names another account; its id is told where it is known. */
export function referenceTaken(id?: string): Fault {
  const owner = id === undefined ? 'Another account' : `The account ${id}`
  return new Fault('already_exists', { detail: `${owner} has this external_id` })
}
