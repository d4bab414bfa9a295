import { decimal, idSchema, moneyAmount, pageInput, reference, timestamp } from '@tallystick/protocol'
import { z } from 'zod'

const alert_id = idSchema('alert')

/** `POST /v1/usage-alerts`: a quantity of a meter, or an amount that some prices charge. */
export const alertInput = z
  .strictObject({
    /** Id or reference. */
    customer: reference,
    /** An alert tells when the threshold is reached; a cap also refuses what would pass it. */
    kind: z.enum(['alert', 'cap']).default('alert'),
    /** Id or name of a meter that counts or sums. */
    meter: reference.optional(),
    quantity: decimal.optional(),
    /** Prices whose meters count or sum: what they charge together is held against `amount`. */
    prices: z.array(idSchema('price')).min(1).max(20).optional(),
    amount: moneyAmount.extend({ amount: z.int().positive() }).optional(),
    /** Months are those of the customer's time zone. */
    period: z.enum(['month', 'subscription']).default('month'),
    /** Whose periods are meant. */
    subscription: idSchema('subscription').optional(),
  })
  .refine((input) => (input.meter === undefined) === (input.quantity === undefined), {
    path: ['quantity'],
    error: 'goes together with meter',
  })
  .refine((input) => (input.prices === undefined) === (input.amount === undefined), {
    path: ['amount'],
    error: 'goes together with prices',
  })
  .refine((input) => (input.meter === undefined) !== (input.prices === undefined), {
    path: ['meter'],
    error: 'give either meter and quantity, or prices and amount',
  })
  .refine((input) => (input.period === 'subscription') === (input.subscription !== undefined), {
    path: ['subscription'],
    error: 'goes together with the period "subscription"',
  })
export type AlertInput = z.infer<typeof alertInput>

export const alertIdInput = z.strictObject({ alert_id })
export const alertListInput = z.strictObject({ ...pageInput, customer: reference.optional() })

export const alertView = z
  .strictObject({
    object: z.literal('usage_alert'),
    id: alert_id,
    livemode: z.boolean(),
    customer: idSchema('customer'),
    kind: z.enum(['alert', 'cap']),
    meter: z.string().optional(),
    quantity: z.string().optional(),
    prices: z.array(z.string()).optional(),
    amount: moneyAmount.optional(),
    period: z.enum(['month', 'subscription']),
    subscription: z.string().optional(),
    status: z.enum(['active', 'archived']),
    /** The period of now; `reached_at` once the threshold was reached in it. */
    current: z
      .strictObject({
        from: timestamp,
        before: timestamp,
        figure: z.string(),
        reached_at: timestamp.optional(),
      })
      .optional(),
    created_at: timestamp,
  })
  .meta({ id: 'UsageAlert' })
