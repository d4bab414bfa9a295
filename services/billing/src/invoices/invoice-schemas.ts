import { idSchema, metadata, moneyAmount, pageInput, reference, timestamp } from '@tallystick/protocol'
import { explanation } from '@tallystick/pricing'
import { z } from 'zod'
import { paymentView } from '../payments/payment-schemas.ts'

const minorUnits = z.int().min(-1e15).max(1e15)
const decimal = z
  .string()
  .regex(/^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?$/, 'must be a decimal string such as "1.5"')
const text = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must not contain control characters')
const invoice_id = idSchema('invoice')
const period = z.strictObject({ start: timestamp, end: timestamp })

/** A line that somebody writes by hand: a quantity of a unit amount (major units), or an amount (minor units). */
const lineInput = z
  .strictObject({
    description: text,
    quantity: decimal.default('1'),
    unit_amount: decimal.optional(),
    amount: minorUnits.optional(),
    tax_code: reference.max(64).optional(),
  })
  .refine(({ unit_amount: unit, amount }) => (unit === undefined) !== (amount === undefined), {
    error: 'give either unit_amount or amount',
  })
export type LineInput = z.infer<typeof lineInput>

const lines = z.array(lineInput).min(1).max(250)
const footer = z
  .string()
  .min(1)
  .max(2000)
  .regex(/^(?:[^\p{Cc}\p{Cs}]|\n)+$/u, 'must not contain control characters besides line breaks')

/** `POST /v1/invoices`: a draft, in the customer's currency. */
export const draftInput = z.strictObject({
  customer: idSchema('customer'),
  lines,
  period: period.optional(),
  footer: footer.optional(),
  metadata: metadata.default({}),
})
export type DraftInput = z.infer<typeof draftInput>

/** `POST /v1/invoices/{invoice_id}`: `lines` takes the place of all that was written by hand; rated lines stay. */
export const draftChange = z.strictObject({
  invoice_id,
  lines: lines.optional(),
  footer: footer.optional(),
  metadata: metadata.optional(),
})
export type DraftChange = z.infer<typeof draftChange>

export const invoiceIdInput = z.strictObject({ invoice_id })

export const invoiceStatus = z.enum(['draft', 'open', 'paid', 'past_due', 'uncollectible', 'void'])

export const listInvoicesInput = z
  .strictObject({
    customer: idSchema('customer').optional(),
    subscription: idSchema('subscription').optional(),
    status: invoiceStatus.optional(),
    ...pageInput,
  })
  .refine(
    ({ customer, subscription, status }) =>
      subscription === undefined || (customer === undefined && status === undefined),
    { error: 'give subscription alone, or customer, status or both' },
  )
export type ListInvoicesInput = z.infer<typeof listInvoicesInput>

const lineView = z.strictObject({
  id: z.string(),
  kind: z.string(),
  description: z.string(),
  price: z.string().optional(),
  license: z.string().optional(),
  subscription_item: z.string().optional(),
  quantity: z.string(),
  amount: moneyAmount,
  period,
  tax_code: z.string().optional(),
  /** How the amount came about, step by step. */
  explanation: explanation.optional(),
})

const taxView = z.strictObject({
  name: z.string(),
  jurisdiction: z.string(),
  rate: z.string(),
  inclusive: z.boolean(),
  base: moneyAmount,
  amount: moneyAmount,
  /** The lines that bear it, with their parts of base and amount. */
  lines: z.array(z.strictObject({ line: z.string(), base: moneyAmount, amount: moneyAmount })),
  note: z.string().optional(),
})

const partyView = z.strictObject({
  name: z.string(),
  address: z.array(z.string()),
  email: z.string().optional(),
  country: z.string().optional(),
  region: z.string().optional(),
  tax_id: z.string().optional(),
})

/** `POST /v1/invoices/{invoice_id}/credit-notes`. */
export const noteInput = z.strictObject({
  invoice_id,
  /** Minor units, with taxes. */
  amount: z.int().positive().max(1e15),
  reason: text,
})

export const noteIdInput = z.strictObject({ credit_note_id: idSchema('creditNote') })

export const listNotesInput = z
  .strictObject({
    customer: idSchema('customer').optional(),
    invoice: invoice_id.optional(),
    ...pageInput,
  })
  .refine(({ customer, invoice }) => customer === undefined || invoice === undefined, {
    error: 'give one of customer and invoice',
  })

export const noteView = z
  .strictObject({
    object: z.literal('credit_note'),
    id: idSchema('creditNote'),
    livemode: z.boolean(),
    number: z.string(),
    invoice: z.string(),
    customer: z.string(),
    reason: z.string(),
    amount: moneyAmount,
    tax_amount: moneyAmount,
    /** The note's share of each tax of the invoice. */
    taxes: z.array(taxView.omit({ lines: true, note: true })),
    total: moneyAmount,
    lines: z.array(z.strictObject({ line: z.string(), amount: moneyAmount })),
    created_at: timestamp,
    audit_id: idSchema('audit'),
  })
  .meta({ id: 'CreditNote' })

export const invoiceView = z
  .strictObject({
    object: z.literal('invoice'),
    id: invoice_id,
    livemode: z.boolean(),
    status: invoiceStatus,
    number: z.string().optional(),
    customer: z.string(),
    subscription: z.string().optional(),
    currency: z.string(),
    /** Of a subscription: the period that is charged ahead, or where none is, the one that is over. */
    period,
    /** The period that is over, whose usage is charged. Each line tells its own. */
    usage_period: period.optional(),
    lines: z.array(lineView),
    subtotal: moneyAmount,
    taxes: z.array(taxView),
    tax_total: moneyAmount,
    total: moneyAmount,
    credits_applied: moneyAmount,
    amount_due: moneyAmount,
    amount_paid: moneyAmount,
    amount_remaining: moneyAmount,
    amount_credited: moneyAmount,
    amount_refunded: moneyAmount,
    seller: partyView.optional(),
    buyer: partyView.optional(),
    finalized_at: timestamp.optional(),
    due_at: timestamp.optional(),
    paid_at: timestamp.optional(),
    attempts: z.int(),
    next_attempt_at: timestamp.optional(),
    dunning: z
      .strictObject({
        since: timestamp,
        retries: z.int(),
        grace_ends_at: timestamp.optional(),
        suspended: z.boolean(),
      })
      .optional(),
    footer: z.string().optional(),
    metadata: z.record(z.string(), z.string()),
    /** Of one invoice, not in lists. */
    payments: z.array(paymentView).optional(),
    credit_notes: z.array(noteView).optional(),
    created_at: timestamp,
    audit_id: idSchema('audit'),
  })
  .meta({ id: 'Invoice' })
