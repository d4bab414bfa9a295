import { idSchema, pageInput, reference, timestamp, usageMetric } from '@tallystick/protocol'
import { z } from 'zod'
import { isEventField } from './event-fields.ts'

const field = z
  .string()
  .max(60)
  .refine(
    isEventField,
    'must be model_id, purpose, region, api_key, license, item, quantity or dimensions.<name>',
  )
const keeping = field.refine((name) => name !== 'quantity' && name !== 'item', {
  error: 'cannot be quantity or item: neither tells apart what is charged',
})

/** `POST /v1/meters`. */
export const meterInput = z
  .strictObject({
    /** Unique in the marketplace. */
    name: reference.max(100),
    metric: usageMetric.shape.metric,
    aggregation: z.enum(['count', 'sum', 'max', 'last', 'unique']),
    /** What `unique` counts; the others look at `quantity`. */
    field: field.optional(),
    filters: z
      .array(z.strictObject({ field: keeping, values: z.array(reference).min(1).max(100) }))
      .max(10)
      .default([]),
    group_by: z.array(keeping).max(5).default([]),
  })
  .refine(({ aggregation, field }) => aggregation !== 'unique' || field !== undefined, {
    path: ['field'],
    error: 'is needed: what is to be counted once',
  })
  .refine(
    ({ aggregation, field }) => aggregation === 'unique' || field === undefined || field === 'quantity',
    {
      path: ['field'],
      error: 'must be quantity unless what is unique is counted',
    },
  )
  .refine(({ group_by }) => new Set(group_by).size === group_by.length, {
    path: ['group_by'],
    error: 'names a field twice',
  })
export type MeterInput = z.infer<typeof meterInput>

const meter_id = idSchema('meter')
export const meterIdInput = z.strictObject({ meter_id })
export const meterListInput = z.strictObject(pageInput)

export const meterView = z
  .strictObject({
    object: z.literal('meter'),
    id: meter_id,
    livemode: z.boolean(),
    name: z.string(),
    metric: z.string(),
    aggregation: z.enum(['count', 'sum', 'max', 'last', 'unique']),
    field: z.string(),
    filters: z.array(z.strictObject({ field: z.string(), values: z.array(z.string()) })),
    group_by: z.array(z.string()),
    /** While `building`, queries are answered from the events: exact, and slower. */
    status: z.enum(['building', 'active', 'archived']),
    /** The meter of Stripe that is told of what it counts. */
    stripe: z.strictObject({ event_name: z.string() }).optional(),
    created_at: timestamp,
  })
  .meta({ id: 'Meter' })
