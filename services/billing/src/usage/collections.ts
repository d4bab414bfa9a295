import { collection } from '@tallystick/storage'
import { z } from 'zod'

/**
 * Usage events, as they were reported. The id follows from tenant and event id, so an event counts once, for ever.
 * Corrections are events of their own; they move `effective` of the event that they correct, never what was reported.
 */
export const usageEvents = collection('usage_events', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    event: z.string(),
    kind: z.enum(['usage', 'adjust', 'deprecate']),
    /** `accepted` is charged; `failed` is what the customer's own request failed at; `refused` had no right. */
    status: z.enum(['accepted', 'failed', 'refused']),
    refusal: z.string().optional(),
    customer: z.string(),
    apiKey: z.string().optional(),
    licenses: z.array(z.string()),
    items: z.array(z.string()),
    metric: z.string(),
    quantity: z.string(),
    modelId: z.string().optional(),
    purpose: z.string(),
    dimensions: z.record(z.string(), z.string()),
    /** The event that an adjust or deprecate corrects. */
    corrects: z.string().optional(),
    /** What counts after corrections: an exact decimal, or absent once deprecated. */
    effective: z.string().optional(),
    digest: z.string(),
    occurredAt: z.date(),
    receivedAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'id',
  indexes: {
    byTenant: ['tenant', 'occurredAt'],
    byCustomer: ['tenant', 'customer', 'metric', 'occurredAt'],
    byLicense: ['tenant', 'licenses[]', 'occurredAt'],
    byKey: ['tenant', 'apiKey', 'occurredAt'],
  },
})

/** How events are counted: which ones, which of their fields, and how. */
export const meters = collection('meters', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    metric: z.string(),
    aggregation: z.enum(['count', 'sum', 'max', 'last', 'unique']),
    /** What `unique` counts: `quantity`, `model_id`, `item`, or `dimensions.<name>`. */
    field: z.string(),
    filters: z.array(z.strictObject({ field: z.string(), values: z.array(z.string()) })),
    groupBy: z.array(z.string()),
    active: z.boolean(),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byMetric: ['tenant', 'metric', 'createdAt'],
    byName: { keys: ['tenant', 'name'], unique: true },
  },
})
