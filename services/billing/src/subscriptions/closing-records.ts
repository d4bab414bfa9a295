import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { invoiceIdOf } from '../invoices/find-invoice.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import type { Closed } from './close-period.ts'
import type { Correction } from './correct-late-usage.ts'
import type { Subscription } from './find-subscription.ts'
import type { Followed } from './follow-licenses.ts'
import { placed } from './rated-lines.ts'

/** The draft of what the closing of a period charges; none where it charges nothing. */
export function draftOf(
  before: Subscription,
  { lines: charged, billed, subscription: after }: Closed,
  { correction, customer, at }: { correction: Correction | undefined; customer: Customer; at: Date },
): StoredInvoice | undefined {
  const lines = placed([...charged, ...(correction?.lines ?? [])])
  if (lines.length === 0) return undefined
  const { tenant, id: subscription, period: closed } = before
  const isAhead = charged.some(({ period }) => period.start >= closed.end)
  const zero = { subtotal: 0n, taxes: [], taxTotal: 0n, total: 0n, creditsApplied: 0n, amountDue: 0n }
  return {
    id: invoiceIdOf(tenant, subscription, closed.end, before.closings),
    tenant,
    customer: customer.id,
    subscription,
    currency: before.currency,
    status: 'draft',
    lines,
    ...zero,
    amountPaid: 0n,
    amountRefunded: 0n,
    amountCredited: 0n,
    ...(customer.clock !== undefined && { clock: customer.clock }),
    period: isAhead || closed.start >= closed.end ? after.period : closed,
    ...(billed.length > 0 && { usagePeriod: closed }),
    metadata: {},
    attempts: 0,
    createdAt: at,
    auditId: '',
  }
}

/** The event that tells what became of a subscription, and the audit id that it will have. */
export function tell(
  deps: Pick<Deps, 'newId' | 'now'>,
  actor: string,
  kind: string,
  { after, followed }: { after: Subscription; followed: Pick<Followed, 'ended' | 'followed'> },
): { auditId: string; write: Write } {
  const { tenant, id, customer, licenses, status, period, suspendedAt, cancelAt } = after
  const event = deps.newId('event')
  const data = {
    subscription: id,
    customer,
    status,
    period_start: period.start.toISOString(),
    period_end: period.end.toISOString(),
    ...(followed.ended.length > 0 && { licenses_ended: followed.ended }),
    ...(followed.followed.length > 0 && { licenses_followed: followed.followed }),
    ...(status === 'canceled' && suspendedAt && !cancelAt && { reason: 'unpaid' }),
  }
  const record = { kind: `subscription.${kind}`, actor, licenses: licenses.slice(0, 100), items: [], data }
  return {
    auditId: auditIdOf(tenant, event),
    write: auditEvent({ id: event, tenant, at: deps.now(), record }),
  }
}

/** What an event calls that which became of a subscription. */
export function kindOf(before: Subscription, { status }: Subscription): string {
  if (status === 'canceled') return before.status === 'canceled' ? 'settled' : 'canceled'
  if (status === 'paused') return 'paused'
  if (before.status === 'paused') return 'resumed'
  return before.status === 'scheduled' ? 'started' : 'renewed'
}
