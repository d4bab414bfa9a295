import { Fault } from '@tallystick/protocol'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { planDraw } from '../credits/draw-credits.ts'
import type { Draw } from '../credits/draw-credits.ts'
import { oweCredit } from '../credits/owe-credit.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { postJournal } from '../ledger/post-journal.ts'
import type { Posting } from '../ledger/post-journal.ts'
import { buyerOf } from './buyer-of.ts'
import { invoices } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { invoiceEvent } from './invoice-event.ts'
import { totalsOf } from './invoice-totals.ts'
import { takeNumbers } from './number-invoices.ts'

/** A draft to be finalized: stored already (`version`), or new. */
export interface Draft {
  invoice: StoredInvoice
  version: number | undefined
  customer: Customer
}

const dueDays = 14
const dayMs = 86_400_000

/**
 * Plans to finalize drafts of one tenant in one commit: gapless numbers in their order, totals and taxes, credits
 * drawn, the journals, the events. What comes out negative becomes credit of the customer. `at` is the time that holds
 * for the invoices, and says the year of their numbers. A customer has one draft of them at most, since two would draw
 * the same credit.
 */
export async function finalizeInvoices(
  deps: Deps,
  drafts: readonly Draft[],
  at: Date,
): Promise<{ writes: Write[]; invoices: StoredInvoice[] }> {
  const [first] = drafts
  if (!first) return { writes: [], invoices: [] }
  const { tenant } = first.invoice
  if (new Set(drafts.map(({ customer }) => customer.id)).size < drafts.length) {
    throw new Error('Two drafts of one customer cannot be finalized in one commit')
  }
  const year = at.getUTCFullYear()
  const { numbers, writes } = await takeNumbers(deps, { tenant, kind: 'invoice', year, count: drafts.length })
  const finalized: StoredInvoice[] = []
  for (const [place, draft] of drafts.entries()) {
    const number = numbers[place] ?? ''
    const { invoice, further } = await finalizeOne(deps, draft, { number, at })
    writes.push(
      draft.version === undefined ? insert(invoices, invoice) : replace(invoices, invoice, draft.version),
      ...further,
    )
    finalized.push(invoice)
  }
  return { writes, invoices: finalized }
}

async function finalizeOne(
  deps: Deps,
  { invoice: draft, customer }: Draft,
  { number, at }: { number: string; at: Date },
): Promise<{ invoice: StoredInvoice; further: Write[] }> {
  if (draft.status !== 'draft') {
    throw new Fault('invalid_state', { detail: `The invoice is ${draft.status}; only drafts are finalized` })
  }
  const { tenant, currency } = draft
  const totals = totalsOf(deps, draft.lines, { customer, at })
  const draw = await planDraw(deps, { tenant, customer: customer.id, currency }, totals.total, at)
  const amountDue = totals.total > draw.total ? totals.total - draw.total : 0n
  const paid = amountDue === 0n
  const open: StoredInvoice = {
    ...draft,
    ...totals,
    number,
    seller: deps.seller,
    buyer: buyerOf(customer),
    ...(customer.clock !== undefined && { clock: customer.clock }),
    status: paid ? 'paid' : 'open',
    creditsApplied: draw.total,
    amountDue,
    finalizedAt: at,
    dueAt: new Date(at.getTime() + dueDays * dayMs),
    ...(paid ? { paidAt: at } : { nextAttemptAt: at }),
  }
  const due = Number(amountDue)
  const { auditId, write } = invoiceEvent(deps, 'invoice.finalized', customer.id, open, { due })
  const invoice = { ...open, auditId }
  return {
    invoice,
    further: [
      ...draw.writes,
      ...(draw.total > 0n ? [drawn(deps, invoice, draw)] : []),
      ...creditBack(deps, invoice, at),
      ...bookInvoice(invoice, at),
      write,
      ...(paid ? [invoiceEvent(deps, 'invoice.paid', customer.id, invoice).write] : []),
    ],
  }
}

function drawn(deps: Deps, invoice: StoredInvoice, { total, parts }: Draw): Write {
  const grants = parts.map(({ grant }) => grant).join(' ')
  return invoiceEvent(deps, 'credit.drawn', invoice.customer, invoice, { drawn: Number(total), grants }).write
}

/** A total below zero is owed to the customer: it becomes a grant that later invoices draw. */
function creditBack(
  deps: Deps,
  { tenant, customer, currency, total, number, auditId }: StoredInvoice,
  at: Date,
): Write[] {
  if (total >= 0n) return []
  const about = { tenant, customer, currency, amount: -total, name: `Invoice ${number}`, auditId }
  return oweCredit(deps, about, at)
}

/** The journal of a finalized invoice: what is receivable, what credit paid, what was earned, what is owed as tax. */
function bookInvoice(invoice: StoredInvoice, at: Date): Write[] {
  const { tenant, customer, currency, id, number, auditId, total, taxTotal, creditsApplied, amountDue } =
    invoice
  const overpaid = total < 0n ? total : 0n
  const postings: Posting[] = [
    { code: 'receivable', party: customer, amount: amountDue },
    { code: 'customer_credit', party: customer, amount: creditsApplied + overpaid },
    { code: 'revenue', amount: -(total - taxTotal) },
    { code: 'tax_payable', amount: -taxTotal },
  ]
  if (postings.every(({ amount }) => amount === 0n)) return []
  const memo = `Invoice ${number}`
  return postJournal({
    tenant,
    at,
    currency,
    cause: { kind: 'invoice.finalized', id },
    auditId,
    memo,
    postings,
  })
}
