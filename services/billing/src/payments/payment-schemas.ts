import { idSchema, metadata, moneyAmount, pageInput, reference, timestamp } from '@tallystick/protocol'
import { z } from 'zod'
import { knownCurrency } from '../customers/schemas.ts'
import { disputeStatus, paymentStatus } from './collections.ts'

const minorUnits = z.int().positive().max(1e15)
const payment = idSchema('payment')

/** `POST /v1/payments/authorize`. */
export const authorizeInput = z.strictObject({
  customer: idSchema('customer'),
  /** Minor units; of an invoice: what is due, unless told. */
  amount: minorUnits.optional(),
  /** The customer's, unless told. */
  currency: knownCurrency.optional(),
  invoice: idSchema('invoice').optional(),
  license: reference.optional(),
  metadata: metadata.default({}),
})
export type AuthorizeInput = z.infer<typeof authorizeInput>

const captureOne = { payment, amount: minorUnits.optional() }

/** `POST /v1/payments/capture`: one payment, or up to 100. What is not captured of a hold is released. */
export const captureInput = z
  .strictObject({
    payment: payment.optional(),
    amount: minorUnits.optional(),
    captures: z.array(z.strictObject(captureOne)).min(1).max(100).optional(),
  })
  .refine((input) => (input.payment === undefined) !== (input.captures === undefined), {
    error: 'give either payment or captures',
  })
export type CaptureInput = z.infer<typeof captureInput>

export const voidInput = z.strictObject({ payment })
export const confirmInput = z.strictObject({
  payment,
  /** In the sandbox: whether the buyer authenticates it. */
  authenticated: z.boolean().default(true),
})

/** `POST /v1/payments/refund`. */
export const refundInput = z.strictObject({
  payment,
  /** Minor units; all that is left, unless told. */
  amount: minorUnits.optional(),
  reason: reference.default('requested_by_customer'),
  /** Ends the license that was paid for. */
  revoke_license: z.boolean().default(false),
})
export type RefundInput = z.infer<typeof refundInput>

export const paymentView = z
  .strictObject({
    object: z.literal('payment'),
    id: payment,
    livemode: z.boolean(),
    status: paymentStatus,
    customer: z.string(),
    invoice: z.string().optional(),
    license: z.string().optional(),
    amount: moneyAmount,
    captured: moneyAmount,
    refunded: moneyAmount,
    /** What banks contest of it now, and what was lost to them. */
    disputed: moneyAmount.optional(),
    charged_back: moneyAmount.optional(),
    provider: z.string(),
    provider_reference: z.string().optional(),
    /** Where the buyer authenticates the payment; then ask for /v1/payments/confirm. */
    action_url: z.url().optional(),
    failure: z.strictObject({ code: z.string(), hard: z.boolean(), message: z.string() }).optional(),
    expires_at: timestamp.optional(),
    metadata: z.record(z.string(), z.string()),
    created_at: timestamp,
    updated_at: timestamp,
    audit_id: idSchema('audit'),
  })
  .meta({ id: 'Payment' })

export const captureOutcome = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('done'), payment: paymentView }),
  z.strictObject({
    status: z.literal('refused'),
    payment_id: z.string(),
    error: z.strictObject({ code: z.string(), detail: z.string() }),
  }),
])

export const refundView = z
  .strictObject({
    object: z.literal('refund'),
    id: idSchema('refund'),
    livemode: z.boolean(),
    status: z.enum(['refunding', 'succeeded', 'failed']),
    payment: paymentView,
    amount: moneyAmount,
    reason: z.string(),
    revoke_license: z.boolean(),
    created_at: timestamp,
    audit_id: z.string(),
  })
  .meta({ id: 'Refund' })

export const paymentIdInput = z.strictObject({ payment_id: payment })

export const disputeView = z
  .strictObject({
    object: z.literal('dispute'),
    id: idSchema('dispute'),
    livemode: z.boolean(),
    payment,
    provider: z.string(),
    provider_reference: z.string(),
    /** An `inquiry` moves no money; `prevented` was settled before it began. */
    status: disputeStatus,
    reason: z.string(),
    amount: moneyAmount,
    /** What the bank took, and what of it came back. */
    withdrawn: moneyAmount,
    reinstated: moneyAmount,
    created_at: timestamp,
    updated_at: timestamp,
    audit_id: z.string(),
  })
  .meta({ id: 'PaymentDispute' })

export const listInput = z.strictObject({
  customer: idSchema('customer').optional(),
  invoice: idSchema('invoice').optional(),
  status: paymentStatus.optional(),
  ...pageInput,
})
