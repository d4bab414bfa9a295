import {
  contentHash,
  decimal,
  idSchema,
  pageInput,
  reference,
  timestamp,
  usageMetric,
} from '@tallystick/protocol'
import { z } from 'zod'

const dimensionName = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be a lower-case name such as country')
const dimensions = z
  .record(dimensionName, reference)
  .refine((map) => Object.keys(map).length <= 20, 'must have at most 20 entries')
const { metric } = usageMetric.shape

const reportFields = {
  /** The reporter's own id of the event; the same id counts once, for ever. */
  event_id: reference,
  /** Customer id, or the customer's reference; a developer's key reports its own usage unless told. */
  customer: reference.optional(),
  /** Which key of the customer was used, as the customer tells it; never a secret. */
  api_key: reference.optional(),
  license_id: reference.optional(),
  licenses: z.array(reference).max(20).default([]),
  items: z.array(contentHash).max(1000).default([]),
  metric,
  quantity: decimal,
  model_id: reference.optional(),
  purpose: reference,
  region: reference.optional(),
  dimensions: dimensions.default({}),
  /** When it was used; now unless told. */
  occurred_at: timestamp.optional(),
  /** False for a request that failed: it is recorded and never charged. */
  success: z.boolean().default(true),
}
/** One event of a report. */
export const usageReport = z.strictObject(reportFields)
export type UsageReport = z.infer<typeof usageReport>

const { event_id, metric: _metric, quantity, purpose, ...optionalFields } = reportFields
const single = z.strictObject({
  ...optionalFields,
  event_id: event_id.optional(),
  metric: metric.optional(),
  quantity: quantity.optional(),
  purpose: purpose.optional(),
  events: z.array(usageReport).max(1000).optional(),
})

/** `POST /v1/usage-reports`: the fields of one event, or `events` of up to 1,000. */
export const reportInput = single.transform((input, ctx): { events: UsageReport[]; alone: boolean } => {
  const { events, ...rest } = input
  if (events === undefined) {
    const { event_id, metric, quantity, purpose } = rest
    if (event_id !== undefined && metric !== undefined && quantity !== undefined && purpose !== undefined)
      return { events: [{ ...rest, event_id, metric, quantity, purpose }], alone: true }
    // Tells of what is missing as it would be told of one of several events.
    const read = usageReport.safeParse(rest)
    for (const { path, message } of read.error?.issues ?? []) ctx.addIssue({ code: 'custom', path, message })
    return z.NEVER
  }
  const sent = (Object.keys(rest) as (keyof typeof rest)[]).filter((name) => !isEmpty(rest[name]))
  for (const name of sent)
    ctx.addIssue({ code: 'custom', path: [name], message: 'belongs into each of the events' })
  if (events.length === 0) ctx.addIssue({ code: 'custom', path: ['events'], message: 'must name an event' })
  return sent.length + (events.length === 0 ? 1 : 0) > 0 ? z.NEVER : { events, alone: false }
})
export type ReportInput = z.output<typeof reportInput>

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === true) return true
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

const refusal = z.strictObject({ code: z.string(), detail: z.string() })

/** What became of one reported event. */
export const reportOutcome = z.strictObject({
  status: z.enum(['accepted', 'failed', 'duplicate', 'refused']),
  event_id: z.string(),
  /** Absent when nothing was recorded: the same event id may then be sent again. */
  id: idSchema('usage').optional(),
  audit_id: idSchema('audit').optional(),
  /** Of a duplicate: what became of it the first time. */
  first_status: z.enum(['accepted', 'failed', 'refused']).optional(),
  error: refusal.optional(),
})
export type ReportOutcome = z.infer<typeof reportOutcome>

/** The answer to a report; `data` is in the order of the events. */
export const reportView = z
  .strictObject({
    object: z.literal('usage_report'),
    livemode: z.boolean(),
    created_at: timestamp,
    counts: z.strictObject({
      accepted: z.int(),
      failed: z.int(),
      duplicate: z.int(),
      refused: z.int(),
    }),
    data: z.array(reportOutcome),
  })
  .meta({ id: 'UsageReport' })

const event = { event_id: reference }
const reason = reference
export const eventInput = z.strictObject(event)
export const adjustInput = z.strictObject({ ...event, quantity: decimal, reason })
export const deprecateInput = z.strictObject({ ...event, reason })
export const eventListInput = z.strictObject({ ...pageInput, customer: reference.optional() })

const correction = z.strictObject({
  id: idSchema('usage'),
  kind: z.enum(['adjust', 'deprecate']),
  quantity: z.string().optional(),
  reason: z.string(),
  created_at: timestamp,
  audit_id: idSchema('audit'),
})

/** A recorded event, as it was reported and as it counts now. */
export const usageEventView = z
  .strictObject({
    object: z.literal('usage_event'),
    id: idSchema('usage'),
    livemode: z.boolean(),
    event_id: z.string(),
    status: z.enum(['accepted', 'failed', 'refused']),
    /** Why it was refused. */
    refusal: z.string().optional(),
    customer: idSchema('customer'),
    api_key: z.string().optional(),
    licenses: z.array(z.string()),
    items: z.array(contentHash),
    metric: z.string(),
    quantity: z.string(),
    /** What counts after corrections; absent for what is not charged. */
    effective_quantity: z.string().optional(),
    model_id: z.string().optional(),
    purpose: z.string(),
    region: z.string().optional(),
    dimensions: z.record(z.string(), z.string()),
    occurred_at: timestamp,
    created_at: timestamp,
    audit_id: idSchema('audit'),
    corrections: z.array(correction).optional(),
  })
  .meta({ id: 'UsageEvent' })
