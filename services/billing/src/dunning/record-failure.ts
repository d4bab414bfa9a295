import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { invoiceEvent } from '../invoices/invoice-event.ts'
import { stillOwed } from '../invoices/settle-invoice.ts'
import { becomePastDue } from '../subscriptions/standing.ts'
import { dunningLetter } from './dunning-letter.ts'
import type { DunningNews } from './dunning-letter.ts'
import { afterFailure, nextStepAt } from './dunning-schedule.ts'

/** An attempt to collect that took nothing. */
export interface Failure {
  attempt: number
  code: string
  /** No retry can mend it, as for a stolen card. */
  hard: boolean
  /** The buyer may still authenticate the payment of this attempt. */
  waiting: boolean
  at: Date
}

/**
 * Books a failed attempt: the invoice is past due, the next step is set, its event and letter are promised. Of several
 * who tell of the same attempt one is heard.
 */
export async function recordFailure(deps: Deps, id: string, failure: Failure): Promise<void> {
  await deps.store.attempt(async () => {
    const found = await deps.store.get(invoices, id)
    if (!found || found.attempts !== failure.attempt || stillOwed(found) === 0n) return
    const writes = await planFailure(deps, found, failure)
    await deps.store.commit(writes)
  })
}

async function planFailure(
  deps: Deps,
  { version, nextAttemptAt, ...invoice }: StoredInvoice & { version: number },
  { at, hard, code, attempt, waiting }: Failure,
): Promise<Write[]> {
  if (invoice.status === 'uncollectible') {
    return [replace(invoices, { ...invoice, attempts: waiting ? attempt : attempt + 1 }, version)]
  }
  const scheduled = nextAttemptAt !== undefined && nextAttemptAt <= at
  const { dunning: before } = invoice
  const dunning = afterFailure(before, { at, hard, scheduled })
  // An attempt out of turn leaves the date of the next step, unless it was the first failure or the last straw.
  const unmoved = before && !scheduled && dunning.graceEndsAt?.getTime() === before.graceEndsAt?.getTime()
  const next = unmoved ? nextAttemptAt : nextStepAt(dunning, at)
  const pastDue: StoredInvoice = {
    ...invoice,
    status: 'past_due',
    dunning,
    attempts: waiting ? attempt : attempt + 1,
    ...(next && { nextAttemptAt: next }),
  }
  const writes: Write[] = []
  const customer = await deps.store.get(customers, invoice.customer)
  if (!before) {
    const told = invoiceEvent(deps, 'invoice.past_due', invoice.customer, invoice, { code })
    pastDue.auditId = told.auditId
    writes.push(told.write, ...(await becomePastDue(deps, invoice, at)))
    if (customer && !customer.delinquentSince) {
      const { version: customerVersion, ...rest } = customer
      writes.push(replace(customers, { ...rest, delinquentSince: at }, customerVersion))
    }
  }
  const news = newsOf(before, dunning, waiting, next)
  if (news) {
    const kind = news.kind === 'grace' ? 'dunning.grace_started' : 'dunning.retry_scheduled'
    const due = (next ?? at).toISOString()
    writes.push(
      invoiceEvent(deps, kind, invoice.customer, invoice, { code, attempt: attempt + 1, due }).write,
    )
    if (customer) writes.push(...dunningLetter(deps, customer, pastDue, news))
  }
  return [replace(invoices, pastDue, version), ...writes]
}

type Dunning = StoredInvoice['dunning']

function newsOf(
  before: Dunning,
  after: NonNullable<Dunning>,
  waiting: boolean,
  next: Date | undefined,
): DunningNews | undefined {
  if (before?.graceEndsAt === undefined && after.graceEndsAt) {
    return { kind: 'grace', endsAt: after.graceEndsAt }
  }
  if (after.graceEndsAt || !next) return undefined
  return { kind: waiting ? 'action_required' : 'failed', retryAt: next }
}
