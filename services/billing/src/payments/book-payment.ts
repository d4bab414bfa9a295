import { auditIdOf } from '@tallystick/receipt'
import { auditEvent, outboxEvent } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { promptCollection } from '../dunning/prompt-collection.ts'
import { settleInvoice } from '../invoices/settle-invoice.ts'
import { postJournal } from '../ledger/post-journal.ts'
import { payments, refunds } from './collections.ts'
import { afterAnswer } from './payment-machine.ts'
import type { Intent, Payment } from './payment-machine.ts'
import type { Settled } from './payment-provider.ts'

type Refund = z.infer<typeof refunds.schema>

/** The stream on which licenses are revoked after a refund. */
export const rightsStream = 'rights'

/**
 * The writes that follow a provider's answer, and the payment as they leave it: its state, what it moved in the
 * ledger and on the invoice, its refund, its event. A refund that was not asked for here is written down with it.
 */
export async function bookAnswer(
  deps: Deps,
  stored: Stored<Payment> & { intent: Intent },
  answer: Settled,
  at: Date,
  foreignRefund?: Refund,
): Promise<{ writes: Write[]; payment: Payment }> {
  const { version, ...before } = stored
  const { tenant } = stored
  const { intent, settled } = whatHappened(stored.intent, answer)
  const event = deps.newId('event')
  const auditId = auditIdOf(tenant, event)
  const payment: Payment = {
    ...afterAnswer({ ...before, intent }, settled, { at, now: deps.now() }),
    auditId,
  }
  const succeeded = settled.outcome === 'succeeded'
  const writes = [
    replace(payments, payment, version),
    auditEvent({ id: event, tenant, at: deps.now(), record: recordOf(payment, intent, settled) }),
    ...(intent.refund === undefined
      ? []
      : await refundWrites(deps, intent.refund, { succeeded, auditId, foreignRefund })),
  ]
  if (succeeded && (intent.action === 'capture' || intent.action === 'refund')) {
    writes.push(...moveMoney(payment, intent, { at, auditId }))
    if (payment.invoice !== undefined) {
      const amount = intent.action === 'capture' ? intent.amount : -intent.amount
      const { invoice } = payment
      writes.push(
        ...(await settleInvoice(deps, {
          tenant,
          invoice,
          amount,
          cause: causeOf(payment, intent),
          auditId,
          at,
        })),
      )
    }
  }
  if (succeeded && stored.status === 'requires_action')
    writes.push(...(await promptCollection(deps, payment, at)))
  return { writes, payment }
}

/** What is booked where something else was done to the hold than what was asked for: that which was done. */
function whatHappened(
  intent: Intent,
  answer: Settled,
): { intent: Intent; settled: Exclude<Settled, { outcome: 'superseded' }> } {
  if (answer.outcome !== 'superseded') return { intent, settled: answer }
  const { by: action, amount, reference } = answer
  return { intent: { ...intent, action, amount }, settled: { outcome: 'succeeded', reference } }
}

/** The name of a movement of money: a payment is captured once, and each of its refunds is given once. */
function causeOf({ id }: Payment, { action, refund }: Intent): string {
  return [id, action, refund].filter((part) => part !== undefined).join(':')
}

/** The journal of captured or refunded money. What pays no invoice is owed to the customer until it is earned. */
function moveMoney(
  payment: Payment,
  intent: Intent,
  { at, auditId }: { at: Date; auditId: string },
): Write[] {
  const { tenant, currency, customer, id, invoice } = payment
  const { action, amount } = intent
  const sign = action === 'capture' ? 1n : -1n
  const unearned = { code: 'deferred_revenue' as const, party: customer }
  const owed = { code: 'receivable' as const, party: customer }
  return postJournal({
    tenant,
    at,
    currency,
    cause: { kind: `payment.${action}`, id: causeOf(payment, intent) },
    auditId,
    memo: action === 'capture' ? `Payment ${id}` : `Refund of payment ${id}`,
    postings: [
      { code: 'processor_clearing', amount: sign * amount },
      {
        ...(invoice === undefined ? unearned : action === 'capture' ? owed : { code: 'refunds' as const }),
        amount: -sign * amount,
      },
    ],
  })
}

async function refundWrites(
  deps: Deps,
  id: string,
  how: { succeeded: boolean; auditId: string; foreignRefund: Refund | undefined },
): Promise<Write[]> {
  const { succeeded, auditId, foreignRefund } = how
  if (foreignRefund) return [insert(refunds, { ...foreignRefund, status: 'succeeded', auditId })]
  const found = await deps.store.get(refunds, id)
  if (!found) throw new Error(`The refund ${id} is not there`)
  const { version, ...refund } = found
  const writes = [
    replace(refunds, { ...refund, status: succeeded ? 'succeeded' : 'failed', auditId }, version),
  ]
  const payment = await deps.store.get(payments, refund.payment)
  if (succeeded && refund.revokeLicense && payment?.license !== undefined) {
    const data = { license: payment.license, reason: `refunded: ${refund.reason}` }
    const at = deps.now()
    writes.push(
      outboxEvent({
        id: `${id}.revoke`,
        tenant: refund.tenant,
        type: 'revoke',
        at,
        stream: rightsStream,
        data,
      }),
    )
  }
  return writes
}

const pastTense: Readonly<Record<Intent['action'], string>> = {
  authorize: 'authorized',
  capture: 'captured',
  void: 'voided',
  refund: 'refunded',
}

function recordOf(payment: Payment, intent: Intent, answer: Settled) {
  const { id, customer, currency, license, status, invoice } = payment
  const kind =
    answer.outcome === 'succeeded'
      ? `payment.${status === 'expired' ? 'expired' : pastTense[intent.action]}`
      : answer.outcome === 'requires_action'
        ? 'payment.action_required'
        : 'payment.failed'
  return {
    kind,
    actor: customer,
    licenses: license === undefined ? [] : [license],
    items: [],
    data: {
      payment: id,
      action: intent.action,
      amount: Number(intent.amount),
      currency,
      status,
      ...(invoice !== undefined && { invoice }),
      ...(answer.outcome === 'declined' && { failure: answer.code }),
    },
  }
}
