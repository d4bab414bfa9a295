import { Fault, idSchema } from '@tallystick/protocol'
import type { AuditRecord } from '@tallystick/protocol'
import { reachesTenant } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'

/** Whose records a caller reaches: those of its tenant, or among them only those of one actor. */
export interface Reach {
  tenant: string
  actor?: string | undefined
}

/**
 * Who reaches the tenant reaches all its records, others those of which their own account is the actor: whose license a
 * record is of is known to the licensing service alone.
 */
export function reachOf({ tenant, account, role }: Pick<Caller, 'tenant' | 'account' | 'role'>): Reach {
  return reachesTenant({ role }) ? { tenant } : { tenant, actor: account }
}

const ofServices = idSchema('event')

/**
 * Lets operators record for every actor, others for themselves; and none but services under ids of the services' form.
 * Theirs can be computed beforehand, and whoever recorded another content under one would put it in the place of the
 * receipt that was promised. Throws Fault `forbidden`, `validation_failed`.
 */
export function requireOwnRecords(
  { account, role, scopes }: Pick<Caller, 'account' | 'role' | 'scopes'>,
  records: readonly Pick<AuditRecord, 'actor' | 'event'>[],
): void {
  if (scopes.includes('service')) return
  requireOwnIds(records)
  if (role === 'operator') return
  if (records.some(({ actor }) => actor !== account)) {
    throw new Fault('forbidden', { detail: `A key of the role ${role} records what its own account did` })
  }
}

function requireOwnIds(records: readonly Pick<AuditRecord, 'event'>[]): void {
  const errors = records.flatMap(({ event }, place) => {
    if (!ofServices.safeParse(event).success) return []
    const message = "has the form of the services' own events"
    return [{ pointer: `/records/${place}/event`, message, fix: 'Name events in a way of your own.' }]
  })
  if (errors.length > 0) throw new Fault('validation_failed', { errors: errors.slice(0, 50) })
}
