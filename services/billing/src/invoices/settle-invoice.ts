import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { oweCredit } from '../credits/owe-credit.ts'
import type { Deps } from '../deps.ts'
import { postJournal } from '../ledger/post-journal.ts'
import { invoices } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { payInvoice } from './pay-invoice.ts'

/** Money that came in for an invoice or, negative, went back. `cause` names the movement; it is counted once. */
export interface Settlement {
  tenant: string
  invoice: string
  amount: bigint
  cause: string
  auditId: string
  at: Date
}

/**
 * The writes that count a payment (or, negative, a refund) towards an invoice and move it to `paid` when nothing is
 * left. What is more than the invoice still owes, as when it was voided or credited while the payment was under way,
 * becomes credit of the customer. The journal of the money itself is the payment's own.
 */
export async function settleInvoice(deps: Deps, settlement: Settlement): Promise<Write[]> {
  const { tenant, invoice: id, amount, at } = settlement
  const found = await deps.store.get(invoices, id)
  if (!found || found.tenant !== tenant) throw new Error(`The invoice ${id} is not there`)
  const { version, ...invoice } = found
  if (amount < 0n) {
    return [replace(invoices, { ...invoice, amountRefunded: invoice.amountRefunded - amount }, version)]
  }
  const owed = stillOwed(invoice)
  const applied = amount < owed ? amount : owed
  const settled = { ...invoice, amountPaid: invoice.amountPaid + applied }
  const writes = [
    ...(amount > applied ? keepExcess(deps, invoice, settlement, amount - applied) : []),
    ...(invoice.status === 'uncollectible' && applied > 0n ? recover(invoice, settlement, applied) : []),
  ]
  if (applied > 0n && applied === owed) {
    return [...writes, ...(await payInvoice(deps, { invoice: settled, version, at })).writes]
  }
  return [...writes, replace(invoices, settled, version)]
}

/** What a payment can still settle of an invoice, in minor units. */
export function stillOwed({ status, amountDue, amountPaid }: StoredInvoice): bigint {
  const owing = status === 'open' || status === 'past_due' || status === 'uncollectible'
  return owing && amountDue > amountPaid ? amountDue - amountPaid : 0n
}

function keepExcess(
  deps: Deps,
  { tenant, customer, currency, number = '' }: StoredInvoice,
  { cause, auditId, at }: Settlement,
  amount: bigint,
): Write[] {
  const name = `Paid beyond invoice ${number}`
  return [
    ...oweCredit(deps, { tenant, customer, currency, amount, name, auditId }, at),
    ...postJournal({
      tenant,
      at,
      currency,
      cause: { kind: 'payment.excess', id: cause },
      auditId,
      memo: name,
      postings: [
        { code: 'receivable', party: customer, amount },
        { code: 'customer_credit', party: customer, amount: -amount },
      ],
    }),
  ]
}

/** What was given up as a bad debt came in after all. */
function recover(
  { tenant, customer, currency, number = '' }: StoredInvoice,
  { cause, auditId, at }: Settlement,
  amount: bigint,
): Write[] {
  return postJournal({
    tenant,
    at,
    currency,
    cause: { kind: 'bad_debt.recovered', id: cause },
    auditId,
    memo: `Invoice ${number} was paid after all`,
    postings: [
      { code: 'receivable', party: customer, amount },
      { code: 'bad_debt', amount: -amount },
    ],
  })
}
