import { Fault } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import type { Subscription } from './find-subscription.ts'

/** Throws Fault `invalid_state` for a subscription that has ended or is paused. */
export function requireLive({ status }: Subscription, deed: string): void {
  if (status === 'canceled' || status === 'paused') throw wrongState(status, deed)
}

/** The refusal of something that cannot be done to a subscription as it is. */
export function wrongState(status: Subscription['status'], deed: string): Fault {
  return new Fault('invalid_state', { detail: `A subscription that is ${status} cannot be ${deed}` })
}

/** The event of a change that somebody asked for, and the audit id that it will have. */
export function told(
  deps: Pick<Deps, 'newId' | 'now'>,
  { account }: Pick<Caller, 'account'>,
  kind: string,
  { tenant, id, customer, licenses, status }: Subscription,
): { auditId: string; write: Write } {
  const event = deps.newId('event')
  const data = { subscription: id, customer, status }
  const record = { kind, actor: account, licenses: licenses.slice(0, 100), items: [], data }
  return {
    auditId: auditIdOf(tenant, event),
    write: auditEvent({ id: event, tenant, at: deps.now(), record }),
  }
}
