import { collection } from '@tallystick/storage'
import { z } from 'zod'

const period = z.strictObject({ start: z.date(), end: z.date() })

/** One line of an invoice. */
export const storedLine = z.strictObject({
  id: z.string(),
  kind: z.enum(['price', 'license', 'proration', 'minimum', 'late_usage_reversal', 'late_usage', 'manual']),
  description: z.string(),
  price: z.string().optional(),
  license: z.string().optional(),
  subscriptionItem: z.string().optional(),
  /** An exact decimal. */
  quantity: z.string(),
  /** Minor units, before tax; negative takes back. */
  amount: z.bigint(),
  period,
  /** How the amount came about, as `@tallystick/pricing` explains it: canonical JSON. */
  explanation: z.string().optional(),
  taxCode: z.string().optional(),
})
export type StoredLine = z.infer<typeof storedLine>

/** A tax on some lines: its rate, what it was taken from, and what it came to. A line may bear several. */
export const storedTax = z.strictObject({
  name: z.string(),
  jurisdiction: z.string(),
  rate: z.string(),
  inclusive: z.boolean(),
  base: z.bigint(),
  amount: z.bigint(),
  /** The lines that bear it, with their parts of base and amount. */
  lines: z.array(z.strictObject({ line: z.string(), base: z.bigint(), amount: z.bigint() })),
  note: z.string().optional(),
})

/** Who sells or buys, as the invoice names them for ever. */
export const storedParty = z.strictObject({
  name: z.string(),
  /** Lines of an address, or none. */
  address: z.array(z.string()),
  email: z.string().optional(),
  country: z.string().optional(),
  region: z.string().optional(),
  taxId: z.string().optional(),
})
export type StoredParty = z.infer<typeof storedParty>

/** Invoices. Nothing but status and payments changes once `number` is given. */
export const invoices = collection('invoices', {
  schema: z.strictObject({
    /** Of a subscription's period: derived from both, so a billing run that is repeated finds it. */
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    subscription: z.string().optional(),
    currency: z.string(),
    status: z.enum(['draft', 'open', 'paid', 'past_due', 'uncollectible', 'void']),
    /** `2026-000042`: gapless for each tenant and year, given when the invoice is finalized. */
    number: z.string().optional(),
    lines: z.array(storedLine),
    subtotal: z.bigint(),
    taxes: z.array(storedTax),
    taxTotal: z.bigint(),
    total: z.bigint(),
    creditsApplied: z.bigint(),
    amountDue: z.bigint(),
    amountPaid: z.bigint(),
    amountRefunded: z.bigint(),
    amountCredited: z.bigint(),
    /** Of a subscription: the period that is charged ahead, or where none is, the one that is over. */
    period,
    /** The period that is over, whose usage is charged. */
    usagePeriod: period.optional(),
    finalizedAt: z.date().optional(),
    dueAt: z.date().optional(),
    paidAt: z.date().optional(),
    footer: z.string().optional(),
    metadata: z.record(z.string(), z.string()),
    /** As they were when the invoice was finalized: what a customer is called later changes no invoice. */
    seller: storedParty.optional(),
    buyer: storedParty.optional(),
    /** The test clock of its customer; absent: real time. */
    clock: z.string().optional(),
    /** Finished attempts to collect it that took nothing; it names the next one. */
    attempts: z.number(),
    /** When the next step of its collection is due: an attempt, or the end of grace. */
    nextAttemptAt: z.date().optional(),
    /** What became of collecting it, from the first failure on. */
    dunning: z
      .strictObject({
        since: z.date(),
        /** Retries of the schedule that were made. */
        retries: z.number(),
        /** Set once nothing more is retried. */
        graceEndsAt: z.date().optional(),
        suspended: z.boolean(),
      })
      .optional(),
    createdAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byCustomer: ['tenant', 'customer', 'createdAt'],
    byCustomerStatus: ['tenant', 'customer', 'status', 'createdAt'],
    byStatus: ['tenant', 'status', 'createdAt'],
    bySubscription: ['tenant', 'subscription', 'createdAt'],
    byNumber: { keys: ['tenant', 'number'], unique: true, where: { number: { exists: true } } },
    attempts: { keys: ['clock', 'nextAttemptAt'], where: { nextAttemptAt: { exists: true } } },
    pastDue: { keys: ['tenant', 'customer'], where: { status: 'past_due' } },
  },
})

/** The last invoice number of a tenant and year. */
export const invoiceCounters = collection('invoice_counters', {
  schema: z.strictObject({ id: z.string(), tenant: z.string(), year: z.number(), last: z.number() }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'year'] },
})

/** What was taken back from a finalized invoice, with a gapless number of its own. */
export const creditNotes = collection('credit_notes', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    invoice: z.string(),
    number: z.string(),
    currency: z.string(),
    reason: z.string(),
    lines: z.array(z.strictObject({ line: z.string(), amount: z.bigint() })),
    amount: z.bigint(),
    taxAmount: z.bigint(),
    /** The note's share of each tax of the invoice, in their order. */
    taxes: z.array(storedTax.omit({ lines: true, note: true })),
    total: z.bigint(),
    createdAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byInvoice: ['tenant', 'invoice', 'createdAt'],
    byCustomer: ['tenant', 'customer', 'createdAt'],
    byNumber: { keys: ['tenant', 'number'], unique: true },
  },
})
