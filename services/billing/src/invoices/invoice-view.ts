import { toWire } from '@tallystick/money'
import { explanation } from '@tallystick/pricing'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { payments } from '../payments/collections.ts'
import { viewPayment } from '../payments/payment-view.ts'
import { creditNotes } from './collections.ts'
import type { StoredLine, StoredParty } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import type { invoiceView, noteView } from './invoice-schemas.ts'
import type { CreditNote } from './issue-credit-note.ts'
import { stillOwed } from './settle-invoice.ts'

type View = z.infer<typeof invoiceView>
type Wire = (amount: bigint) => View['total']

/** An invoice as the API tells it. */
export function viewInvoice({ livemode }: Pick<Deps, 'livemode'>, invoice: StoredInvoice): View {
  const { currency, number, subscription, dunning, seller, buyer, footer } = invoice
  const wire: Wire = (amount) => toWire({ amount, currency })
  return {
    object: 'invoice',
    id: invoice.id,
    livemode,
    status: invoice.status,
    ...(number !== undefined && { number }),
    customer: invoice.customer,
    ...(subscription !== undefined && { subscription }),
    currency,
    period: viewPeriod(invoice.period),
    ...(invoice.usagePeriod && { usage_period: viewPeriod(invoice.usagePeriod) }),
    lines: invoice.lines.map((line) => viewLine(line, wire)),
    subtotal: wire(invoice.subtotal),
    taxes: invoice.taxes.map(({ lines, ...tax }) => ({
      ...wired(tax, wire),
      lines: lines.map((part) => wired(part, wire)),
    })),
    tax_total: wire(invoice.taxTotal),
    total: wire(invoice.total),
    credits_applied: wire(invoice.creditsApplied),
    amount_due: wire(invoice.amountDue),
    amount_paid: wire(invoice.amountPaid),
    amount_remaining: wire(stillOwed(invoice)),
    amount_credited: wire(invoice.amountCredited),
    amount_refunded: wire(invoice.amountRefunded),
    ...(seller && { seller: viewParty(seller) }),
    ...(buyer && { buyer: viewParty(buyer) }),
    ...dates(invoice),
    attempts: invoice.attempts,
    ...(dunning && {
      dunning: {
        since: dunning.since.toISOString(),
        retries: dunning.retries,
        ...(dunning.graceEndsAt && { grace_ends_at: dunning.graceEndsAt.toISOString() }),
        suspended: dunning.suspended,
      },
    }),
    ...(footer !== undefined && { footer }),
    metadata: invoice.metadata,
    created_at: invoice.createdAt.toISOString(),
    audit_id: invoice.auditId,
  }
}

/** An invoice with the payments that were made for it and the notes that credit it. */
export async function viewWholeInvoice(
  deps: Pick<Deps, 'store' | 'livemode'>,
  invoice: StoredInvoice,
): Promise<View> {
  const equals = [invoice.tenant, invoice.id]
  const paid = await deps.store.find(payments.byInvoice, { equals, limit: 100 })
  const notes = await deps.store.find(creditNotes.byInvoice, { equals, limit: 100 })
  return {
    ...viewInvoice(deps, invoice),
    payments: paid.items.map((payment) => viewPayment(deps, payment)),
    credit_notes: notes.items.map((note) => viewNote(deps, note)),
  }
}

/** A credit note as the API tells it. */
export function viewNote({ livemode }: Pick<Deps, 'livemode'>, note: CreditNote): z.infer<typeof noteView> {
  const { id, number, invoice, customer, reason, currency } = note
  const wire: Wire = (amount) => toWire({ amount, currency })
  return {
    object: 'credit_note',
    id,
    livemode,
    number,
    invoice,
    customer,
    reason,
    amount: wire(note.amount),
    tax_amount: wire(note.taxAmount),
    taxes: note.taxes.map((tax) => wired(tax, wire)),
    total: wire(note.total),
    lines: note.lines.map(({ line, amount }) => ({ line, amount: wire(amount) })),
    created_at: note.createdAt.toISOString(),
    audit_id: note.auditId,
  }
}

function wired<T extends { base: bigint; amount: bigint }>({ base, amount, ...rest }: T, wire: Wire) {
  return { ...rest, base: wire(base), amount: wire(amount) }
}

function viewLine(line: StoredLine, wire: Wire): View['lines'][number] {
  const { price, license, subscriptionItem, taxCode } = line
  return {
    id: line.id,
    kind: line.kind,
    description: line.description,
    ...(price !== undefined && { price }),
    ...(license !== undefined && { license }),
    ...(subscriptionItem !== undefined && { subscription_item: subscriptionItem }),
    quantity: line.quantity,
    amount: wire(line.amount),
    period: viewPeriod(line.period),
    ...(taxCode !== undefined && { tax_code: taxCode }),
    ...(line.explanation !== undefined && { explanation: explanation.parse(JSON.parse(line.explanation)) }),
  }
}

function viewPeriod({ start, end }: StoredInvoice['period']): View['period'] {
  return { start: start.toISOString(), end: end.toISOString() }
}

function viewParty({ taxId, ...party }: StoredParty): NonNullable<View['buyer']> {
  return { ...party, ...(taxId !== undefined && { tax_id: taxId }) }
}

function dates({ finalizedAt, dueAt, paidAt, nextAttemptAt }: StoredInvoice) {
  return {
    ...(finalizedAt && { finalized_at: finalizedAt.toISOString() }),
    ...(dueAt && { due_at: dueAt.toISOString() }),
    ...(paidAt && { paid_at: paidAt.toISOString() }),
    ...(nextAttemptAt && { next_attempt_at: nextAttemptAt.toISOString() }),
  }
}
