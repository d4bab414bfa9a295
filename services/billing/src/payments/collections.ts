import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** Where a payment stands. A state that ends in `ing` has an intent stored and an answer of the provider to come. */
export const paymentStatus = z.enum([
  'authorizing',
  'requires_action',
  'authorized',
  'capturing',
  'captured',
  'voiding',
  'voided',
  'expired',
  'failed',
  'refunding',
  'partially_refunded',
  'refunded',
  'disputed',
  'charged_back',
])
export type PaymentStatus = z.infer<typeof paymentStatus>

/** Payments: a hold on a customer's money, what of it was captured, and what was given back. */
export const payments = collection('payments', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    invoice: z.string().optional(),
    license: z.string().optional(),
    currency: z.string(),
    /** The hold, in minor units. */
    amount: z.bigint(),
    captured: z.bigint(),
    refunded: z.bigint(),
    /** What banks contest of it now. */
    disputed: z.bigint().optional(),
    /** What was lost to banks for good. */
    chargedBack: z.bigint().optional(),
    status: paymentStatus,
    provider: z.string(),
    /** The provider's name for it, once it has told one. */
    providerReference: z.string().optional(),
    /** What is being asked of the provider; kept before it is asked, so that a crash can be resolved by looking it up. */
    intent: z
      .strictObject({
        action: z.enum(['authorize', 'capture', 'void', 'refund']),
        /** The provider's idempotency key. */
        key: z.string(),
        amount: z.bigint(),
        /** The refund that is asked for. */
        refund: z.string().optional(),
        /** By the machine's clock: providers forget keys by theirs. */
        since: z.date(),
        /** How often the provider was asked what became of it. */
        looks: z.int(),
      })
      .optional(),
    /** When the intent is looked up, by the machine's clock; a request that is being served comes before. */
    lookAt: z.date().optional(),
    /** What was asked for last, and by which request: its repetition after a crash is told what became of it. */
    lastRequest: z.string().optional(),
    /** How many captures and voids were asked for: each has a key of its own. */
    deeds: z.int(),
    /** Where the buyer authenticates the payment. */
    actionUrl: z.string().optional(),
    /** The provider's method that is charged, as a token. */
    method: z.string(),
    failure: z.strictObject({ code: z.string(), hard: z.boolean(), message: z.string() }).optional(),
    expiresAt: z.date().optional(),
    metadata: z.record(z.string(), z.string()),
    createdAt: z.date(),
    updatedAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byCustomer: ['tenant', 'customer', 'createdAt'],
    byInvoice: ['tenant', 'invoice', 'createdAt'],
    byStatus: ['tenant', 'status', 'createdAt'],
    byProviderReference: ['tenant', 'providerReference'],
    unresolved: { keys: ['lookAt'], where: { lookAt: { exists: true } } },
    expiring: { keys: ['status', 'expiresAt'], where: { expiresAt: { exists: true } } },
  },
})

/** Refunds, one document each; their id follows from the idempotency of the request. */
export const refunds = collection('refunds', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    payment: z.string(),
    currency: z.string(),
    amount: z.bigint(),
    reason: z.string(),
    status: z.enum(['refunding', 'succeeded', 'failed']),
    /** Why money that was given back came back: the provider's word. */
    failure: z.string().optional(),
    revokeLicense: z.boolean(),
    createdAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: { byPayment: ['tenant', 'payment', 'createdAt'] },
})

/** Where a dispute stands: an `inquiry` moves no money, `prevented` was settled before it began. */
export const disputeStatus = z.enum(['inquiry', 'open', 'won', 'lost', 'prevented'])

/** What buyers contest at their banks, one document each; the id follows from the provider's. */
export const disputes = collection('disputes', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    payment: z.string(),
    provider: z.string(),
    providerReference: z.string(),
    currency: z.string(),
    /** What is contested, in minor units. */
    amount: z.bigint(),
    reason: z.string(),
    status: disputeStatus,
    /** What the bank took, and what of it came back. */
    withdrawn: z.bigint(),
    reinstated: z.bigint(),
    /** What the payment counts of it as contested, and as lost. */
    held: z.bigint(),
    lost: z.bigint(),
    /** The provider's names of the movements that are booked. */
    movements: z.array(z.string()),
    /** How often losses were booked or taken back: each has a journal of its own. */
    losses: z.int(),
    createdAt: z.date(),
    updatedAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: { byPayment: ['tenant', 'payment', 'createdAt'] },
})
export type Dispute = z.infer<typeof disputes.schema>
