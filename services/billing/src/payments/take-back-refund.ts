import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import { journals } from '../ledger/collections.ts'
import { journalIdOf, postJournal, reversedPostings } from '../ledger/post-journal.ts'
import { payments, refunds } from './collections.ts'
import { statusAtRest } from './payment-machine.ts'
import type { Payment } from './payment-machine.ts'

/**
 * Takes back in the books a refund that had succeeded and that the bank has returned since: journal, invoice, payment,
 * event. Gives false for one that is not booked as succeeded. A license that was revoked with it stays revoked.
 */
export async function takeBackRefund(
  deps: Deps,
  payment: string,
  { refund: id, code }: { refund: string; code: string },
): Promise<boolean> {
  return deps.store.attempt(async () => {
    const refund = await deps.store.get(refunds, id)
    const stored = await deps.store.get(payments, payment)
    if (!stored || refund?.payment !== payment || refund.status !== 'succeeded') return false
    const { version, ...before } = stored
    const { version: refundVersion, ...given } = refund
    const { tenant } = before
    const at = await timeOf(deps, (await deps.store.get(customers, before.customer)) ?? {})
    const event = deps.newId('event')
    const auditId = auditIdOf(tenant, event)
    const back = { ...before, refunded: before.refunded - given.amount, updatedAt: at, auditId }
    const after: Payment = before.intent ? back : { ...back, status: statusAtRest(back) }
    await deps.store.commit([
      replace(payments, after, version),
      replace(refunds, { ...given, status: 'failed', failure: code, auditId }, refundVersion),
      ...(await reversal(deps, before, { refund: id, at, auditId })),
      ...(await withoutRefund(deps, before, given.amount)),
      auditEvent({ id: event, tenant, at: deps.now(), record: recordOf(after, given, code) }),
    ])
    return true
  })
}

async function reversal(
  { store }: Pick<Deps, 'store'>,
  { id, tenant, currency }: Payment,
  { refund, at, auditId }: { refund: string; at: Date; auditId: string },
): Promise<Write[]> {
  const cause = `${id}:refund:${refund}`
  const reverses = journalIdOf(tenant, { kind: 'payment.refund', id: cause })
  const journal = await store.get(journals, reverses)
  if (!journal) throw new Error(`The journal ${reverses} of the refund ${refund} is not there`)
  return postJournal({
    tenant,
    at,
    currency,
    cause: { kind: 'payment.refund_failed', id: cause },
    auditId,
    memo: `Refund of payment ${id} came back`,
    postings: reversedPostings(journal),
    reverses,
  })
}

async function withoutRefund(
  { store }: Pick<Deps, 'store'>,
  { invoice: id }: Payment,
  amount: bigint,
): Promise<Write[]> {
  const found = id === undefined ? undefined : await store.get(invoices, id)
  if (!found) return []
  const { version, ...invoice } = found
  return [replace(invoices, { ...invoice, amountRefunded: invoice.amountRefunded - amount }, version)]
}

function recordOf(
  { id, customer, license, invoice, currency, status }: Payment,
  { id: refund, amount }: { id: string; amount: bigint },
  failure: string,
) {
  return {
    kind: 'payment.refund_failed',
    actor: customer,
    licenses: license === undefined ? [] : [license],
    items: [],
    data: {
      payment: id,
      refund,
      amount: Number(amount),
      currency,
      status,
      failure,
      ...(invoice !== undefined && { invoice }),
    },
  }
}
