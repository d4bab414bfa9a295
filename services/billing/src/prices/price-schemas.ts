import {
  decimal,
  idSchema,
  metadata,
  moneyAmount,
  pageInput,
  reference,
  timestamp,
} from '@tallystick/protocol'
import { explanation, price } from '@tallystick/pricing'
import { z } from 'zod'
import { knownCurrency } from '../customers/schemas.ts'

/** `POST /v1/prices`. A price never changes: create another and subscribe to that. */
export const priceInput = z.strictObject({
  name: reference,
  definition: price,
  /** The meter whose usage it charges. */
  meter: idSchema('meter').optional(),
  tax_code: reference.max(64).optional(),
  metadata: metadata.default({}),
})
export type PriceCreation = z.infer<typeof priceInput>

export const priceView = z
  .strictObject({
    object: z.literal('price'),
    id: idSchema('price'),
    livemode: z.boolean(),
    name: z.string(),
    currency: z.string(),
    definition: price,
    meter: z.string().optional(),
    /** The license whose pricing it is: subscribed to by that license's name. */
    license: z.string().optional(),
    tax_code: z.string().optional(),
    active: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    created_at: timestamp,
  })
  .meta({ id: 'Price' })

export const priceIdInput = z.strictObject({ price_id: idSchema('price') })

const dimensionName = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be a lower-case name such as country')
const dimensions = z.record(dimensionName, reference)

/** `POST /v1/prices/{price_id}/quote`: one quantity, quantities by dimension, or the events themselves. */
export const quoteInput = z
  .strictObject({
    price_id: idSchema('price'),
    quantity: decimal.optional(),
    by_dimension: z
      .array(z.strictObject({ dimensions, quantity: decimal }))
      .min(1)
      .max(1000)
      .optional(),
    events: z
      .array(
        z.strictObject({
          quantity: decimal.optional(),
          amount: decimal.optional(),
          dimensions: dimensions.optional(),
        }),
      )
      .min(1)
      .max(1000)
      .optional(),
  })
  .refine(
    (input) =>
      [input.quantity, input.by_dimension, input.events].filter((one) => one !== undefined).length === 1,
    { error: 'give one of quantity, by_dimension and events' },
  )
export type QuoteInput = z.infer<typeof quoteInput>

export const quoteView = z
  .strictObject({
    object: z.literal('quote'),
    livemode: z.boolean(),
    price: z.string(),
    lines: z.array(
      z.strictObject({
        kind: z.enum(['flat', 'seat', 'usage', 'true_up', 'overage']),
        dimensions: z.record(z.string(), z.string()).optional(),
        quantity: z.string(),
        amount: moneyAmount,
        /** How the amount came about, step by step, up to the one rounding. */
        explanation,
      }),
    ),
    total: moneyAmount,
  })
  .meta({ id: 'Quote' })

/** `POST /v1/plans`. */
export const planInput = z.strictObject({
  name: reference,
  currency: knownCurrency.default('USD'),
  prices: z.array(idSchema('price')).min(1).max(20),
  interval: z.enum(['month', 'year']).default('month'),
  trial_days: z.int().min(0).max(730).default(0),
  metadata: metadata.default({}),
})
export type PlanCreation = z.infer<typeof planInput>

export const planView = z
  .strictObject({
    object: z.literal('plan'),
    id: idSchema('plan'),
    livemode: z.boolean(),
    name: z.string(),
    currency: z.string(),
    prices: z.array(z.string()),
    interval: z.enum(['month', 'year']),
    trial_days: z.int(),
    active: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    created_at: timestamp,
  })
  .meta({ id: 'Plan' })

export const planIdInput = z.strictObject({ plan_id: idSchema('plan') })
export const listInput = z.strictObject(pageInput)
