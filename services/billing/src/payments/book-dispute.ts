import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { postJournal } from '../ledger/post-journal.ts'
import type { JournalDraft } from '../ledger/post-journal.ts'
import { disputes, payments } from './collections.ts'
import type { Dispute } from './collections.ts'
import { statusAtRest } from './payment-machine.ts'
import type { Payment } from './payment-machine.ts'

/** What a provider tells of a dispute; all of it each time, so the order of tellings does not matter. */
export interface DisputeFacts {
  /** The provider's name for it. */
  reference: string
  currency: string
  amount: bigint
  reason: string
  status: Dispute['status']
  movements: readonly DisputeMovement[]
}

/** Money that the bank took (negative) or gave back, by the provider's name, and what the provider charged for it. */
export interface DisputeMovement {
  id: string
  amount: bigint
  fee: { amount: bigint; currency: string }
}

/**
 * Brings the books in line with a dispute: each movement once, a loss when it is lost (taken back when it is won after
 * all), the payment's state, the event. Gives whether anything was new.
 */
export async function bookDispute(deps: Deps, payment: string, facts: DisputeFacts): Promise<boolean> {
  return deps.store.attempt(async () => {
    const stored = await deps.store.get(payments, payment)
    if (!stored) throw new Error(`The payment ${payment} is not there`)
    const { version, ...before } = stored
    const told = inCurrencyOf(before, facts)
    const found = await deps.store.get(disputes, disputeIdOf(before, facts.reference))
    const at = await timeOf(deps, (await deps.store.get(customers, before.customer)) ?? {})
    const event = deps.newId('event')
    const auditId = auditIdOf(before.tenant, event)
    const dispute = afterTelling(before, found, told, { at, auditId })
    if (found && isSame(found, dispute)) return false
    const after = withDispute(before, found, dispute, at)
    await deps.store.commit([
      replace(payments, after, version),
      found ? replace(disputes, dispute, found.version) : insert(disputes, dispute),
      ...journalsOf(before, { found, dispute, told, at, auditId }),
      auditEvent({ id: event, tenant: before.tenant, at: deps.now(), record: recordOf(after, dispute) }),
    ])
    return true
  })
}

function disputeIdOf({ tenant }: Payment, reference: string): string {
  return derivedId('dispute', hash('sha256', JSON.stringify([tenant, reference])))
}

/** A dispute that is told in another currency is one of all that was captured and not given back. */
function inCurrencyOf({ currency, captured, refunded }: Payment, facts: DisputeFacts): DisputeFacts {
  if (facts.currency === currency) return facts
  const amount = captured - refunded
  const movements = facts.movements.map((one) => ({ ...one, amount: one.amount < 0n ? -amount : amount }))
  return { ...facts, currency, amount, movements }
}

function afterTelling(
  payment: Payment,
  found: Stored<Dispute> | undefined,
  { reference, currency, amount, reason, status, movements }: DisputeFacts,
  { at, auditId }: { at: Date; auditId: string },
): Dispute {
  const withdrawn = movements.reduce((sum, one) => (one.amount < 0n ? sum - one.amount : sum), 0n)
  const reinstated = movements.reduce((sum, one) => (one.amount > 0n ? sum + one.amount : sum), 0n)
  const gone = withdrawn - reinstated
  const lost = status === 'lost' ? gone : 0n
  return {
    id: disputeIdOf(payment, reference),
    tenant: payment.tenant,
    payment: payment.id,
    provider: payment.provider,
    providerReference: reference,
    currency,
    amount,
    reason,
    status,
    withdrawn,
    reinstated,
    held: status === 'open' ? amount : gone - lost,
    lost,
    movements: movements.map(({ id }) => id),
    losses: (found?.losses ?? 0) + (lost === (found?.lost ?? 0n) ? 0 : 1),
    createdAt: found?.createdAt ?? at,
    updatedAt: at,
    auditId,
  }
}

function isSame(found: Dispute, dispute: Dispute): boolean {
  return (
    found.status === dispute.status &&
    found.amount === dispute.amount &&
    found.movements.join() === dispute.movements.join()
  )
}

function withDispute(
  payment: Payment,
  found: Dispute | undefined,
  { held, lost }: Dispute,
  at: Date,
): Payment {
  const disputed = (payment.disputed ?? 0n) + held - (found?.held ?? 0n)
  const chargedBack = (payment.chargedBack ?? 0n) + lost - (found?.lost ?? 0n)
  const after = { ...payment, disputed, chargedBack, updatedAt: at }
  // What is being asked of the provider goes on; its answer finds the state to come back to.
  return payment.intent || payment.captured === 0n ? after : { ...after, status: statusAtRest(after) }
}

function journalsOf(
  payment: Payment,
  {
    found,
    dispute,
    told,
    at,
    auditId,
  }: { found: Dispute | undefined; dispute: Dispute; told: DisputeFacts; at: Date; auditId: string },
): Write[] {
  const { tenant, customer, invoice } = payment
  const about = { tenant, at, auditId, memo: `Dispute of payment ${payment.id}` }
  const { currency } = dispute
  const booked = new Set(found?.movements)
  const fresh = told.movements.filter(({ id }) => !booked.has(id))
  const book = (journal: Pick<JournalDraft, 'currency' | 'cause' | 'postings'>): Write[] =>
    journal.postings.every(({ amount }) => amount === 0n) ? [] : postJournal({ ...about, ...journal })
  const writes = fresh.flatMap(({ id, amount, fee }) => [
    ...book({
      currency,
      cause: { kind: amount < 0n ? 'dispute.withdrawn' : 'dispute.reinstated', id },
      postings: [
        { code: 'disputed', amount: -amount },
        { code: 'processor_clearing', amount },
      ],
    }),
    ...book({
      currency: fee.currency,
      cause: { kind: 'dispute.fee', id },
      postings: [
        { code: 'fees', amount: fee.amount },
        { code: 'processor_clearing', amount: -fee.amount },
      ],
    }),
  ])
  const loss = dispute.lost - (found?.lost ?? 0n)
  // What pays no invoice was not earned yet: it is owed to the buyer no longer.
  const bearer =
    invoice === undefined
      ? { code: 'deferred_revenue' as const, party: customer }
      : { code: 'bad_debt' as const }
  return [
    ...writes,
    ...book({
      currency,
      cause: {
        kind: loss > 0n ? 'dispute.lost' : 'dispute.recovered',
        id: `${dispute.id}:${dispute.losses}`,
      },
      postings: [
        { ...bearer, amount: loss },
        { code: 'disputed', amount: -loss },
      ],
    }),
  ]
}

function recordOf({ id, customer, license, invoice, status }: Payment, dispute: Dispute) {
  return {
    kind: dispute.status === 'open' ? 'payment.disputed' : `payment.dispute_${dispute.status}`,
    actor: customer,
    licenses: license === undefined ? [] : [license],
    items: [],
    data: {
      payment: id,
      dispute: dispute.id,
      reason: dispute.reason,
      amount: Number(dispute.amount),
      withdrawn: Number(dispute.withdrawn),
      reinstated: Number(dispute.reinstated),
      currency: dispute.currency,
      status,
      ...(invoice !== undefined && { invoice }),
    },
  }
}
