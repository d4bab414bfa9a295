import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { oweCredit } from '../credits/owe-credit.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { liftDelinquency } from '../dunning/lift-delinquency.ts'
import { journals } from '../ledger/collections.ts'
import { journalIdOf, postJournal, reversedPostings } from '../ledger/post-journal.ts'
import type { Posting } from '../ledger/post-journal.ts'
import { payments } from '../payments/collections.ts'
import { invoices } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { invoiceEvent } from './invoice-event.ts'

const settledPayments = new Set(['failed', 'voided', 'expired'])

/**
 * Takes a finalized invoice back as if it had never been asked for: its journal is reversed, drawn credit returns as
 * a grant. Its number stays taken. Refused once money was paid for it, or while a payment for it is under way.
 */
export async function voidInvoice(
  deps: Deps,
  caller: Pick<Caller, 'account'>,
  found: Stored<StoredInvoice>,
): Promise<Plan<StoredInvoice>> {
  const { version, nextAttemptAt: _, ...invoice } = found
  if (invoice.status !== 'open' && invoice.status !== 'past_due') throw wrongState(invoice, 'voided')
  if (invoice.amountCredited > 0n) throw wrongState(invoice, 'voided: it has credit notes; credit the rest')
  await requireNoPayment(deps, invoice)
  const { tenant, id, currency, number, customer } = invoice
  const at = await timeOfInvoice(deps, invoice)
  const { auditId, write } = invoiceEvent(deps, 'invoice.voided', caller.account, invoice)
  const voided: StoredInvoice = { ...invoice, status: 'void', auditId }
  const writes = [replace(invoices, voided, version), write, ...(await liftDelinquency(deps, found))]
  const journal = await deps.store.get(journals, journalIdOf(tenant, { kind: 'invoice.finalized', id }))
  if (journal) {
    writes.push(
      ...postJournal({
        tenant,
        at,
        currency,
        cause: { kind: 'invoice.voided', id },
        auditId,
        memo: `Void of invoice ${number}`,
        postings: reversedPostings(journal),
        reverses: journal.id,
      }),
    )
  }
  if (invoice.creditsApplied > 0n) {
    const about = { tenant, customer, currency, amount: invoice.creditsApplied, auditId }
    writes.push(...oweCredit(deps, { ...about, name: `Void of invoice ${number}` }, at))
  }
  return { writes, answer: voided }
}

/** Gives an invoice up: what is still due becomes a bad debt. */
export async function writeOffInvoice(
  deps: Deps,
  caller: Pick<Caller, 'account'>,
  found: Stored<StoredInvoice>,
): Promise<Plan<StoredInvoice>> {
  const { version, nextAttemptAt: _, ...invoice } = found
  if (invoice.status !== 'open' && invoice.status !== 'past_due') throw wrongState(invoice, 'given up')
  await requireNoPayment(deps, invoice)
  const { tenant, id, currency, number, customer } = invoice
  const at = await timeOfInvoice(deps, invoice)
  const { auditId, write } = invoiceEvent(deps, 'invoice.uncollectible', caller.account, invoice)
  const left = invoice.amountDue - invoice.amountPaid
  const postings: Posting[] = [
    { code: 'bad_debt', amount: left },
    { code: 'receivable', party: customer, amount: -left },
  ]
  const cause = { kind: 'invoice.uncollectible', id }
  const memo = `Invoice ${number} is uncollectible`
  const answer: StoredInvoice = { ...invoice, status: 'uncollectible', auditId }
  return {
    writes: [
      replace(invoices, answer, version),
      write,
      ...postJournal({ tenant, at, currency, cause, auditId, memo, postings }),
      ...(await liftDelinquency(deps, found, { forgiven: true })),
    ],
    answer,
  }
}

async function requireNoPayment(
  { store }: Pick<Deps, 'store'>,
  { tenant, id }: StoredInvoice,
): Promise<void> {
  for await (const { status } of store.scan(payments.byInvoice, { equals: [tenant, id] })) {
    if (!settledPayments.has(status)) {
      throw new Fault('invalid_state', {
        detail: `A payment for the invoice is ${status}; void it while it is held, or credit the invoice`,
      })
    }
  }
}

async function timeOfInvoice(deps: Deps, { customer }: StoredInvoice): Promise<Date> {
  return timeOf(deps, (await deps.store.get(customers, customer)) ?? {})
}

function wrongState({ status }: StoredInvoice, deed: string): Fault {
  return new Fault('invalid_state', { detail: `An invoice that is ${status} cannot be ${deed}` })
}
