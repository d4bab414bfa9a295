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

/** Throws Fault `forbidden` for a customer that would end what its licenses cost, and keep the licenses. */
export function requireMayEnd({ role }: Pick<Caller, 'role'>, { items }: Subscription): void {
  if (role === 'operator' || items.every(({ license }) => license === undefined)) return
  const detail = 'It charges licenses: it ends with them, or an operator of the marketplace changes it'
  throw new Fault('forbidden', { detail })
}

/**
 * Throws a Fault for a subscription whose period is over at `at` and not closed: `conflict` where that is being done,
 * `invalid_state` where it has failed.
 */
export function requireClosed({ status, dueAt, period, failure }: Subscription, at: Date): void {
  if (dueAt === undefined || status === 'scheduled' || status === 'canceled' || period.end > at) return
  const detail = 'The period before is being closed; repeat the change'
  if (!failure) throw new Fault('conflict', { detail })
  throw new Fault('invalid_state', {
    detail: `The period up to ${period.end.toISOString()} could not be charged yet: ${failure.message}`,
  })
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
  more: Record<string, string> = {},
): { auditId: string; write: Write } {
  const event = deps.newId('event')
  const data = { subscription: id, customer, status, ...more }
  const record = { kind, actor: account, licenses: licenses.slice(0, 100), items: [], data }
  return {
    auditId: auditIdOf(tenant, event),
    write: auditEvent({ id: event, tenant, at: deps.now(), record }),
  }
}
