import { decimal, idSchema, metadata, moneyAmount, pageInput, timestamp } from '@tallystick/protocol'
import { z } from 'zod'

const itemInput = z
  .strictObject({
    price: idSchema('price').optional(),
    /** A license in place of a price: what its own pricing says is charged. */
    license: idSchema('license').optional(),
    /** Seats of a price, one unless told; one for flat prices and for those that charge usage. */
    quantity: z.int().min(1).max(1_000_000).optional(),
  })
  .refine(({ price, license }) => (price === undefined) !== (license === undefined), {
    error: 'give either a price or a license',
  })
  .refine(({ license, quantity }) => license === undefined || quantity === undefined, {
    path: ['quantity'],
    error: 'of a license is what the license says',
  })
export type ItemInput = z.infer<typeof itemInput>

const items = z.array(itemInput).min(1).max(20)
/** How many seats of a plan's seat prices; one unless told. */
const seats = z.int().min(1).max(1_000_000).optional()
const oneOf = { error: 'give either items, or a plan and its seats' }
const isOneOf = (input: { plan?: string | undefined; items?: unknown; seats?: number | undefined }) =>
  input.plan === undefined
    ? input.items !== undefined && input.seats === undefined
    : input.items === undefined

/** `POST /v1/subscriptions`. */
export const subscriptionInput = z
  .strictObject({
    customer: idSchema('customer'),
    plan: idSchema('plan').optional(),
    seats,
    items: items.optional(),
    /** Days that cost nothing; unless told those of the plan, once for each customer. */
    trial_days: z.int().min(0).max(730).optional(),
    /** The day of the month on which periods begin; that of the first charge unless told. */
    anchor_day: z.int().min(1).max(31).optional(),
    /** When it begins; now unless told, and never in the past. */
    start: timestamp.optional(),
    /** The licenses that it pays for; events name them. */
    licenses: z.array(idSchema('license')).max(100).default([]),
    metadata: metadata.default({}),
  })
  .refine(isOneOf, oneOf)
export type SubscriptionInput = z.infer<typeof subscriptionInput>

const subscription_id = idSchema('subscription')
const when = z.enum(['now', 'period_end'])

/** `POST /v1/subscriptions/{subscription_id}/change`: what it consists of from then on, all of it. */
export const changeInput = z
  .strictObject({
    subscription_id,
    plan: idSchema('plan').optional(),
    seats,
    items: items.optional(),
    /** A change of the interval takes place at the end of the period only. */
    when: when.default('now'),
  })
  .refine(isOneOf, oneOf)
export type ChangeInput = z.infer<typeof changeInput>

export const cancelInput = z.strictObject({ subscription_id, when: when.default('period_end') })
export const subscriptionIdInput = z.strictObject({ subscription_id })

const subscriptionStatus = z.enum([
  'scheduled',
  'trialing',
  'active',
  'past_due',
  'suspended',
  'paused',
  'canceled',
])

export const listInput = z.strictObject({
  ...pageInput,
  customer: idSchema('customer').optional(),
  status: subscriptionStatus.optional(),
})

const itemView = z.strictObject({ price: z.string(), license: z.string().optional(), quantity: z.int() })
const periodView = z.strictObject({ start: timestamp, end: timestamp })

export const subscriptionView = z
  .strictObject({
    object: z.literal('subscription'),
    id: subscription_id,
    livemode: z.boolean(),
    customer: z.string(),
    plan: z.string().optional(),
    licenses: z.array(z.string()),
    currency: z.string(),
    /** `past_due` while an invoice of it is; `suspended` once the grace of that invoice is over. */
    status: subscriptionStatus,
    items: z.array(itemView.extend({ id: z.string() })),
    interval: z.enum(['month', 'year']),
    interval_count: z.int(),
    anchor_day: z.int(),
    time_zone: z.string(),
    start: timestamp,
    /** Half-open; absent until it has begun. */
    period: periodView.optional(),
    trial_end: timestamp.optional(),
    cancel_at: timestamp.optional(),
    canceled_at: timestamp.optional(),
    paused_at: timestamp.optional(),
    past_due_since: timestamp.optional(),
    suspended_at: timestamp.optional(),
    /** Why the period that is over could not be charged yet, and when that is tried again. */
    billing_failure: z
      .strictObject({
        code: z.string(),
        message: z.string(),
        since: timestamp,
        attempts: z.int(),
        retry_at: timestamp,
      })
      .optional(),
    /** What holds from the next period on. */
    pending_change: z.strictObject({ plan: z.string().optional(), items: z.array(itemView) }).optional(),
    /** What waits for the next invoice: prorations of changes. */
    pending_lines: z.array(
      z.strictObject({ description: z.string(), quantity: decimal, amount: moneyAmount, period: periodView }),
    ),
    metadata: z.record(z.string(), z.string()),
    created_at: timestamp,
    audit_id: z.string(),
  })
  .meta({ id: 'Subscription' })
