import { readableDecimal, readableMoney } from '@tallystick/money'
import type { Payment } from '../payments/payment-machine.ts'
import { codePointMark } from './code-point-mark.ts'
import type { StoredParty } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import type { CreditNote } from './issue-credit-note.ts'
import { lineDetails, percentage } from './line-details.ts'

/** What an invoice shows, as text: the same for every form that it is rendered in. */
export interface InvoiceDocument {
  title: string
  /** For file names: the number, or the id of a draft. */
  fileName: string
  /** When it was finalized, or drafted: the date of the rendered file. */
  at: Date
  seller: readonly string[]
  buyer: readonly string[]
  facts: readonly (readonly [label: string, value: string])[]
  lines: readonly DocumentLine[]
  totals: readonly (readonly [label: string, value: string])[]
  /** What remains to be paid, or that nothing does. */
  state: readonly [label: string, value: string]
  taxes: readonly { name: string; rate: string; base: string; amount: string }[]
  notes: readonly string[]
  payments: readonly string[]
  footer: string | undefined
}

/** One row of the table of lines; `details` are how the amount came about. */
export interface DocumentLine {
  description: string
  period: string
  quantity: string
  details: readonly string[]
  amount: string
}

/** Lays an invoice out for reading. Pure: the same invoice, payments and notes give the same document. */
export function invoiceDocument(
  invoice: StoredInvoice,
  about: {
    seller: StoredParty
    buyer: StoredParty
    payments: readonly Payment[]
    creditNotes: readonly CreditNote[]
  },
): InvoiceDocument {
  const { currency, number, period, usagePeriod, finalizedAt, dueAt, subscription } = invoice
  const amount = (minor: bigint) => readableMoney({ amount: minor, currency })
  const isDraft = number === undefined
  return withoutControls({
    title: isDraft ? 'Draft invoice' : invoice.status === 'void' ? 'Invoice (void)' : 'Invoice',
    fileName: number ?? invoice.id,
    at: finalizedAt ?? invoice.createdAt,
    seller: partyLines(about.seller),
    buyer: partyLines(about.buyer),
    facts: [
      ['Invoice number', number ?? 'none yet'],
      ...dated('Invoice date', finalizedAt),
      ...dated('Due date', dueAt),
      ['Period', periodOf(period)],
      ...(usagePeriod ? ([['Usage of', periodOf(usagePeriod)]] as const) : []),
      ...(subscription === undefined ? [] : ([['Subscription', subscription]] as const)),
      ['Currency', currency],
    ],
    lines: invoice.lines.map((line) => ({
      description: line.description,
      period: periodOf(line.period),
      quantity: readableDecimal(line.quantity),
      details: [...lineDetails(line), ...taxesOn(line.id, invoice)],
      amount: amount(line.amount),
    })),
    totals: totalsOf(invoice, amount),
    state: stateOf(invoice, amount),
    taxes: invoice.taxes.map((tax) => ({
      name: `${tax.name} ${tax.jurisdiction}${tax.inclusive ? ' (included)' : ''}`,
      rate: percentage(tax.rate),
      base: amount(tax.base),
      amount: amount(tax.amount),
    })),
    notes: [
      ...new Set(invoice.taxes.flatMap(({ note }) => note ?? [])),
      ...about.creditNotes.map(
        (note) =>
          `Credit note ${note.number} of ${dayOf(note.createdAt)}: ${amount(note.total)} credited` +
          `${taxesWithin(note, amount)} (${note.reason})`,
      ),
    ],
    payments: about.payments.flatMap((payment) => paymentLines(payment, amount)),
    footer: invoice.footer,
  })
}

/** Which taxes a line bears, where not every line need bear the same. */
function taxesOn(line: string, { taxes }: StoredInvoice): string[] {
  if (taxes.length < 2) return []
  const borne = taxes.filter(({ lines }) => lines.some((part) => part.line === line))
  return borne.length === 0 ? [] : [`Tax: ${borne.map(nameAndRate).join(', ')}`]
}

function taxesWithin({ taxes }: CreditNote, amount: Show): string {
  const given = taxes.filter((tax) => tax.amount !== 0n)
  if (given.length === 0) return ''
  return `, of which ${given.map((tax) => `${nameAndRate(tax)}: ${amount(tax.amount)}`).join('; ')}`
}

function nameAndRate({ name, rate }: { name: string; rate: string }): string {
  return `${name} ${percentage(rate)}`
}

/** What has no form of its own and either is nothing to print or would make other text look different from what it is. */
const controls = /[[\p{Cc}\p{Cs}\u202a-\u202e]--[\n]]/gv

/** With the code of each control character and override of direction in its place, and a note that says so. */
function withoutControls(document: InvoiceDocument): InvoiceDocument {
  let found = false
  const marked = (text: string) => {
    const shown = text.replaceAll(controls, codePointMark)
    found ||= shown !== text
    return shown
  }
  const { seller, buyer, facts, lines, taxes, notes, payments, footer } = document
  const shown: InvoiceDocument = {
    ...document,
    seller: seller.map(marked),
    buyer: buyer.map(marked),
    facts: facts.map(([label, value]) => [label, marked(value)]),
    lines: lines.map((line) => ({ ...line, description: marked(line.description) })),
    taxes: taxes.map((tax) => ({ ...tax, name: marked(tax.name) })),
    notes: notes.map(marked),
    payments: payments.map(marked),
    footer: footer === undefined ? undefined : marked(footer),
  }
  return found ? { ...shown, notes: [...shown.notes, controlNote] } : shown
}

const controlNote = 'A code such as [U+0007] stands for a control character.'

type Show = (minor: bigint) => string

function totalsOf(invoice: StoredInvoice, amount: Show): InvoiceDocument['totals'] {
  const rows: [string, string][] = [['Subtotal', amount(invoice.subtotal)]]
  for (const tax of invoice.taxes) {
    const label = `${nameAndRate(tax)}${tax.inclusive ? ' (included)' : ''}`
    rows.push([label, amount(tax.amount)])
  }
  rows.push(['Total', amount(invoice.total)])
  if (invoice.creditsApplied !== 0n) rows.push(['Credit applied', amount(-invoice.creditsApplied)])
  // What a note has taken off what was due; the rest of it became credit.
  const noted = invoice.finalizedAt
    ? invoice.total - invoice.creditsApplied - invoice.amountDue - (invoice.total < 0n ? invoice.total : 0n)
    : 0n
  if (noted > 0n) rows.push(['Credit notes', amount(-noted)])
  if (invoice.amountPaid !== 0n) rows.push(['Paid', amount(-invoice.amountPaid)])
  return rows
}

function stateOf(invoice: StoredInvoice, amount: Show): InvoiceDocument['state'] {
  const { status, total, amountDue, amountPaid, paidAt, dueAt } = invoice
  const left = amount(amountDue - amountPaid)
  if (status === 'draft') return ['Draft', 'not owed yet']
  if (status === 'void') return ['Void', 'nothing is owed']
  if (status === 'uncollectible') return ['Uncollectible', left]
  if (status === 'paid') {
    if (total < 0n) return ['Credited to your balance', amount(-total)]
    return ['Amount due', `${amount(0n)}${paidAt ? `, paid ${dayOf(paidAt)}` : ''}`]
  }
  const due = dueAt ? `, due ${dayOf(dueAt)}` : ''
  return [status === 'past_due' ? 'Amount past due' : 'Amount due', `${left}${due}`]
}

function paymentLines({ status, captured, refunded, updatedAt, id }: Payment, amount: Show): string[] {
  if (captured === 0n) return status === 'failed' ? [`${dayOf(updatedAt)}: a payment failed (${id})`] : []
  const back = refunded > 0n ? `, of which ${amount(refunded)} refunded` : ''
  return [`${dayOf(updatedAt)}: ${amount(captured)} paid${back} (${id})`]
}

function partyLines({ name, address, country, region, email, taxId }: StoredParty): string[] {
  const place = region === undefined ? country : `${country}-${region}`
  return [
    name,
    ...address,
    ...(place === undefined ? [] : [place]),
    ...(email === undefined ? [] : [email]),
    ...(taxId === undefined ? [] : [`Tax ID ${taxId}`]),
  ]
}

function dated(label: string, at: Date | undefined): [string, string][] {
  return at ? [[label, dayOf(at)]] : []
}

function periodOf({ start, end }: { start: Date; end: Date }): string {
  if (start.getTime() === end.getTime()) return dayOf(start)
  return `${dayOf(start)} – ${dayOf(end)}`
}

function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10)
}
