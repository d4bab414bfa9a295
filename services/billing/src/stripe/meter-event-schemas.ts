import { idSchema, pageInput, timestamp } from '@tallystick/protocol'
import { z } from 'zod'
import { meterEventStatus as status } from './collections.ts'

const meter = idSchema('meter')

/** `POST /v1/meters/{meter_id}/stripe`. */
export const linkInput = z.strictObject({
  meter_id: meter,
  /** The `event_name` of a meter of Stripe; null ends the link. */
  event_name: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/, 'must be 1 to 100 printable ASCII characters without spaces')
    .nullable(),
})

export const meterEventListInput = z.strictObject({
  status: status.optional(),
  meter: meter.optional(),
  ...pageInput,
})

export const retryInput = z.strictObject({
  meter,
  limit: z.int().min(1).max(1000).default(1000),
})

export const resolveInput = z.strictObject({
  meter_event_id: idSchema('meterEvent'),
  /** Whether Stripe counts it: its pages list the events of a meter, and those that were taken back. */
  counted: z.boolean(),
})

export const retryView = z.strictObject({
  object: z.literal('stripe_meter_event_retry'),
  livemode: z.boolean(),
  meter,
  retried: z.int(),
  /** Whether others wait to be tried again. */
  has_more: z.boolean(),
})

export const meterEventView = z
  .strictObject({
    object: z.literal('stripe_meter_event'),
    /** Its `identifier` at Stripe. */
    id: idSchema('meterEvent'),
    livemode: z.boolean(),
    /** `standing` is counted at Stripe though it was corrected here; `unsure` may be counted there. */
    status,
    meter,
    /** The id of the usage event. */
    usage: z.string(),
    customer: z.string(),
    stripe_customer: z.string(),
    event_name: z.string(),
    value: z.string(),
    occurred_at: timestamp,
    attempts: z.int(),
    sent_at: timestamp.optional(),
    next_attempt_at: timestamp.optional(),
    failure: z.strictObject({ code: z.string(), message: z.string() }).optional(),
    /** The one that had to be taken back first. */
    replaces: z.string().optional(),
    created_at: timestamp,
  })
  .meta({ id: 'StripeMeterEvent' })
