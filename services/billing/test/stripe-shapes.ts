import type { Stripe } from 'stripe'
import { z } from 'zod'

// What a form can say: everything is text.
const integer = z
  .string()
  .regex(/^\d{1,8}$/)
  .transform(Number)
const yesNo = z.enum(['true', 'false'])
const id = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_\\w+$`))
const metadata = z
  .record(z.string().max(40), z.string().max(500))
  .refine((all) => Object.keys(all).length <= 50)
const expand = z.array(z.string()).max(20).optional()
const empty = z.strictObject({})

type Params<T> = { [K in keyof T]?: z.ZodType }

/** The parameters of each request as Stripe publishes them: those that we send, and no others. */
export const shapes = {
  'POST /v1/customers': z.strictObject({ metadata } satisfies Params<Stripe.CustomerCreateParams>),
  'POST /v1/payment_methods/:id/attach': z.strictObject({
    customer: id('cus'),
  } satisfies Params<Stripe.PaymentMethodAttachParams>),
  'POST /v1/payment_intents': z.strictObject({
    amount: integer,
    currency: z.string().regex(/^[a-z]{3}$/),
    customer: id('cus'),
    payment_method: id('pm'),
    allowed_payment_method_types: z.tuple([z.literal('card')]),
    capture_method: z.literal('manual'),
    confirm: z.literal('true'),
    off_session: yesNo,
    metadata,
    expand,
  } satisfies Params<Stripe.PaymentIntentCreateParams>),
  'POST /v1/payment_intents/:id/confirm': z.strictObject({
    payment_method: id('pm'),
    off_session: yesNo,
    return_url: z.url(),
    expand,
  } satisfies Params<Stripe.PaymentIntentConfirmParams>),
  'POST /v1/payment_intents/:id/capture': z.strictObject({
    amount_to_capture: integer,
  } satisfies Params<Stripe.PaymentIntentCaptureParams>),
  'POST /v1/payment_intents/:id/cancel': empty,
  'POST /v1/refunds': z.strictObject({
    payment_intent: id('pi'),
    amount: integer,
    metadata,
  } satisfies Params<Stripe.RefundCreateParams>),
  // https://docs.stripe.com/api/billing/meter-event/create
  'POST /v1/billing/meter_events': z.strictObject({
    event_name: z.string().min(1).max(100),
    identifier: z.string().min(1).max(100),
    timestamp: z
      .string()
      .regex(/^\d{10}$/)
      .transform(Number),
    payload: z.strictObject({
      stripe_customer_id: id('cus'),
      value: z.string().regex(/^-?\d+(\.\d{1,12})?$/),
    }),
  } satisfies Params<Stripe.Billing.MeterEventCreateParams>),
  // https://docs.stripe.com/api/billing/meter-event-adjustment/create
  'POST /v1/billing/meter_event_adjustments': z.strictObject({
    event_name: z.string().min(1).max(100),
    type: z.literal('cancel'),
    cancel: z.strictObject({ identifier: z.string().min(1).max(100) }),
  } satisfies Params<Stripe.Billing.MeterEventAdjustmentCreateParams>),
  'GET /v1/payment_intents/:id': z.strictObject({
    expand,
  } satisfies Params<Stripe.PaymentIntentRetrieveParams>),
  'GET /v1/payment_intents': z.strictObject({
    customer: id('cus'),
    created: z.strictObject({ gte: integer.or(z.string().regex(/^\d+$/).transform(Number)) }),
    limit: integer,
    starting_after: id('pi').optional(),
    expand,
  } satisfies Params<Stripe.PaymentIntentListParams>),
  'GET /v2/core/events/:id': empty,
  'GET /v1/refunds/:id': empty,
  'GET /v1/disputes/:id': empty,
  'GET /v1/refunds': z.strictObject({
    payment_intent: id('pi'),
    limit: integer,
    starting_after: id('re').optional(),
  } satisfies Params<Stripe.RefundListParams>),
}

/** A request that is known, by method and path. */
export type Route = keyof typeof shapes

/** Reads a form: `a[b]=c` as `{ a: { b: 'c' } }`, `a[0]=c` as `{ a: ['c'] }`. */
export function readForm(text: string): unknown {
  const root = new Map<string, unknown>()
  for (const [name, value] of new URLSearchParams(text)) {
    const path = name.replaceAll(']', '').split('[')
    let at = root
    for (const part of path.slice(0, -1)) {
      const next = at.get(part)
      const inner = next instanceof Map ? next : new Map<string, unknown>()
      at.set(part, inner)
      at = inner
    }
    at.set(path.at(-1) ?? '', value)
  }
  return plain(root)
}

function plain(value: unknown): unknown {
  if (!(value instanceof Map)) return value
  const entries = [...value].map(([key, inner]) => [String(key), plain(inner)] as const)
  if (entries.length > 0 && entries.every(([key], n) => key === String(n)))
    return entries.map(([, one]) => one)
  return Object.fromEntries(entries)
}
