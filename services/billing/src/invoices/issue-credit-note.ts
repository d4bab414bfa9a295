import { allocate } from '@tallystick/money'
import { Fault } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { timeOf } from '../clocks/time-of.ts'
import { oweCredit } from '../credits/owe-credit.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { postJournal } from '../ledger/post-journal.ts'
import type { Posting } from '../ledger/post-journal.ts'
import { payments } from '../payments/collections.ts'
import { creditNotes, invoices } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { takeNumbers } from './number-invoices.ts'
import { payInvoice } from './pay-invoice.ts'
import { leftToGiveBack } from './room-for-refund.ts'

/** A credit note as it is stored. */
export type CreditNote = z.infer<typeof creditNotes.schema>

/**
 * Takes part of a finalized invoice back, with its share of the taxes. It lowers what is still due; what was paid
 * already becomes credit of the customer. Never more than the invoice has left.
 */
export async function issueCreditNote(
  deps: Deps,
  caller: Pick<Caller, 'account'>,
  found: Stored<StoredInvoice>,
  { amount, reason }: { amount: bigint; reason: string },
): Promise<Plan<CreditNote>> {
  const { version: _, ...invoice } = found
  if (invoice.status !== 'open' && invoice.status !== 'past_due' && invoice.status !== 'paid') {
    throw new Fault('invalid_state', { detail: `An invoice that is ${invoice.status} cannot be credited` })
  }
  await requireNoRefund(deps, invoice)
  const left = leftToGiveBack(invoice)
  if (amount > left) {
    throw new Fault('validation_failed', {
      errors: [{ pointer: '/amount', message: `is more than the ${left} that is left of the invoice` }],
    })
  }
  const { tenant, customer: customerId, currency, id } = invoice
  const at = await timeOf(deps, (await deps.store.get(customers, customerId)) ?? {})
  const event = deps.newId('event')
  const auditId = auditIdOf(tenant, event)
  const { numbers, writes } = await takeNumbers(deps, {
    tenant,
    kind: 'credit_note',
    year: at.getUTCFullYear(),
    count: 1,
  })
  const taxes = sharesOf(invoice, amount)
  const taxAmount = taxes.reduce((sum, tax) => sum + tax.amount, 0n)
  const weights = invoice.lines.map((line) => (line.amount > 0n ? line.amount : 0n))
  const parts = allocate(amount, weights.some((weight) => weight > 0n) ? weights : weights.map(() => 1n))
  const note: CreditNote = {
    id: deps.newId('creditNote'),
    tenant,
    customer: customerId,
    invoice: id,
    number: numbers[0] ?? '',
    currency,
    reason,
    lines: invoice.lines.map((line, place) => ({ line: line.id, amount: parts[place] ?? 0n })),
    amount: amount - taxAmount,
    taxAmount,
    taxes,
    total: amount,
    createdAt: at,
    auditId,
  }
  const unpaid = invoice.amountDue - invoice.amountPaid
  const offDue = amount < unpaid ? amount : unpaid
  const back = amount - offDue
  const record = { kind: 'credit_note.issued', actor: caller.account, licenses: [], items: [] }
  return {
    writes: [
      ...writes,
      insert(creditNotes, note),
      ...(await afterNote(deps, found, { amount, offDue, at })),
      ...bookNote(note, { offDue, back, at }),
      ...(back > 0n ? creditFor(deps, note, back) : []),
      auditEvent({
        id: event,
        tenant,
        at: deps.now(),
        record: { ...record, data: { credit_note: note.id, invoice: id, currency, total: Number(amount) } },
      }),
    ],
    answer: note,
  }
}

/** Cumulative shares: the notes of an invoice that is credited in parts give back exactly each of its taxes. */
function sharesOf({ taxes, total, amountCredited }: StoredInvoice, amount: bigint): CreditNote['taxes'] {
  const shareOf = (whole: bigint) =>
    (whole * (amountCredited + amount)) / total - (whole * amountCredited) / total
  return taxes.map(({ name, jurisdiction, rate, inclusive, base, amount: whole }) => ({
    name,
    jurisdiction,
    rate,
    inclusive,
    base: shareOf(base),
    amount: shareOf(whole),
  }))
}

/** What a refund under way will give back is not known to the invoice yet. */
async function requireNoRefund({ store }: Pick<Deps, 'store'>, { tenant, id }: StoredInvoice): Promise<void> {
  for await (const { status } of store.scan(payments.byInvoice, { equals: [tenant, id] })) {
    if (status !== 'refunding' && status !== 'disputed') continue
    const what = status === 'refunding' ? 'A refund' : 'A dispute'
    throw new Fault('invalid_state', {
      detail: `${what} of the invoice is under way; wait until it is done`,
    })
  }
}

async function afterNote(
  deps: Deps,
  { version, ...invoice }: Stored<StoredInvoice>,
  { amount, offDue, at }: { amount: bigint; offDue: bigint; at: Date },
): Promise<Write[]> {
  const amountDue = invoice.amountDue - offDue
  const credited: StoredInvoice = { ...invoice, amountDue, amountCredited: invoice.amountCredited + amount }
  if (invoice.status === 'paid' || amountDue > invoice.amountPaid) {
    return [replace(invoices, credited, version)]
  }
  return (await payInvoice(deps, { invoice: credited, version, at })).writes
}

function bookNote(note: CreditNote, { offDue, back, at }: { offDue: bigint; back: bigint; at: Date }) {
  const { tenant, customer, currency, id, number, auditId, amount, taxAmount } = note
  const postings: Posting[] = [
    { code: 'revenue', amount },
    { code: 'tax_payable', amount: taxAmount },
    { code: 'receivable', party: customer, amount: -offDue },
    { code: 'customer_credit', party: customer, amount: -back },
  ]
  const cause = { kind: 'credit_note.issued', id }
  return postJournal({ tenant, at, currency, cause, auditId, memo: `Credit note ${number}`, postings })
}

function creditFor(
  deps: Deps,
  { tenant, customer, currency, number, auditId, createdAt }: CreditNote,
  amount: bigint,
) {
  const about = { tenant, customer, currency, amount, name: `Credit note ${number}`, auditId }
  return oweCredit(deps, about, createdAt)
}
