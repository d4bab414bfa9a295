import { Fault } from '@tallystick/protocol'
import type { AuditRecord } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'

/** Whose records a caller reaches: those of its tenant, or among them only those of one actor. */
export interface Reach {
  tenant: string
  actor?: string | undefined
}

/**
 * Operators and auditors reach every record of their tenant, developers and creators those of which their own account is
 * the actor: whose license a record is of is known to the licensing service alone.
 */
export function reachOf({ tenant, account, role }: Pick<Caller, 'tenant' | 'account' | 'role'>): Reach {
  return role === 'operator' || role === 'auditor' ? { tenant } : { tenant, actor: account }
}

/** The reach of a caller who reads the whole tenant. Throws Fault `forbidden` for all others. */
export function wholeTenant(caller: Pick<Caller, 'tenant' | 'account' | 'role'>): string {
  const { tenant, actor } = reachOf(caller)
  if (actor === undefined) return tenant
  throw new Fault('forbidden', { detail: 'Only operator and auditor read administrative changes' })
}

/** Lets operators record for every actor, developers and creators for themselves, auditors nothing. Throws Fault `forbidden`. */
export function requireOwnRecords(
  { account, role }: Pick<Caller, 'account' | 'role'>,
  records: readonly Pick<AuditRecord, 'actor'>[],
): void {
  if (role === 'operator') return
  if (role === 'auditor') throw new Fault('forbidden', { detail: 'Keys of the role auditor record nothing' })
  if (records.some(({ actor }) => actor !== account)) {
    throw new Fault('forbidden', { detail: `A key of the role ${role} records what its own account did` })
  }
}
