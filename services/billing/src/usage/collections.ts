import { collection } from '@tallystick/storage'
import { z } from 'zod'
import { hourColumns } from './hour-columns.ts'

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
    region: z.string().optional(),
    dimensions: z.record(z.string(), z.string()),
    /** The event that an adjust or deprecate corrects. */
    corrects: z.string().optional(),
    /** Why it was corrected. */
    reason: z.string().optional(),
    /** What counts after corrections: an exact decimal, or absent once deprecated and for what never counted. */
    effective: z.string().optional(),
    digest: z.string(),
    /** Which meters its commit fed: those whose own epoch is not above. */
    epoch: z.number(),
    occurredAt: z.date(),
    receivedAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'id',
  indexes: {
    byTenant: ['tenant', 'occurredAt'],
    byCustomer: ['tenant', 'customer', 'occurredAt'],
    byLicense: ['tenant', 'licenses[]', 'occurredAt'],
    byKey: { keys: ['tenant', 'apiKey', 'occurredAt'], where: { apiKey: { exists: true } } },
    corrections: { keys: ['corrects', 'receivedAt'], where: { corrects: { exists: true } } },
  },
})
export type UsageEvent = z.infer<typeof usageEvents.schema>

/** How events are counted: which ones, which of their fields, and how. */
export const meters = collection('meters', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    metric: z.string(),
    aggregation: z.enum(['count', 'sum', 'max', 'last', 'unique']),
    /** What `unique` counts; the others look at `quantity`. */
    field: z.string(),
    filters: z.array(z.strictObject({ field: z.string(), values: z.array(z.string()) })),
    groupBy: z.array(z.string()),
    active: z.boolean(),
    /** While `building`, events of before its epoch are still being counted. */
    status: z.enum(['building', 'active', 'archived']),
    /** Events of a lower epoch are counted by the builder, all others in the commit that brings them. */
    epoch: z.number(),
    /** What its figures are found by: other ones once it is rebuilt. */
    series: z.string(),
    /** Of a count or sum: a meter of the other kind with the same group_by may still keep its figures in the same documents. */
    joinable: z.boolean().optional(),
    /** Where the builder is: the cursor of its next page. */
    progress: z.string().optional(),
    /** The meter of Stripe that is told of every event which it counts. */
    stripe: z.strictObject({ eventName: z.string() }).optional(),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    feeding: { keys: ['tenant', 'metric', 'createdAt'], where: { active: true } },
    byName: { keys: ['tenant', 'name'], unique: true },
    building: { keys: ['status', 'createdAt'], where: { status: 'building' } },
  },
})
export type Meter = z.infer<typeof meters.schema>

/** One document a tenant, its id the tenant's: moves on with each change of its meters, and every report expects it. */
export const meterEpochs = collection('meter_epochs', {
  schema: z.strictObject({ id: z.string(), epoch: z.number() }),
  partition: 'id',
})

/** Where something of a meter is kept: one UTC day of a holder, and one combination of group values. */
const place = {
  id: z.string(),
  tenant: z.string(),
  series: z.string(),
  /** Everything is kept by customer, and once more by the API key and by each license that an event names. */
  kind: z.enum(['customer', 'key', 'license']),
  /** The customer, the key or the license. */
  holder: z.string(),
  customer: z.string(),
  day: z.date(),
  group: z.array(z.string()),
}
const ofPlaces = {
  byHolder: ['tenant', 'series', 'kind', 'holder', 'day'],
  byDay: { keys: ['tenant', 'series', 'day'], where: { kind: 'customer' } },
} as const

/** What a count meter, a sum meter, or one of each took in, hour by hour. */
export const usageDays = collection('usage_days', {
  schema: z.strictObject({ ...place, ...hourColumns }),
  partition: 'tenant',
  indexes: ofPlaces,
})
export type UsageDay = z.infer<typeof usageDays.schema>

/** The greatest or latest value of each hour in which events count. */
export const usageValues = collection('usage_values', {
  schema: z.strictObject({
    ...place,
    /** In the order of `hour`, which is 0 to 23. */
    hours: z.array(
      z.strictObject({
        hour: z.number(),
        value: z.string(),
        at: z.date().optional(),
        sequence: z.number().optional(),
      }),
    ),
  }),
  partition: 'tenant',
  indexes: ofPlaces,
})
export type UsageValues = z.infer<typeof usageValues.schema>
export type HourValue = UsageValues['hours'][number]

/** What `unique` saw, and in how many events of each hour: what no event names any more does not count. */
export const usageMembers = collection('usage_members', {
  schema: z.strictObject({ ...place, member: z.string(), ...hourColumns }),
  partition: 'tenant',
  indexes: ofPlaces,
})

/** What every report of a customer's usage must know; the id is the customer's. Each report expects its version. */
export const usageControls = collection('usage_controls', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    /** What occurred before was invoiced: whatever lands there now is late. */
    billedUntil: z.date().optional(),
    /** How many thresholds are watched. */
    alerts: z.number(),
  }),
  partition: 'tenant',
})

/** Hours of a customer's meter in which something changed after they were invoiced. */
export const lateUsage = collection('late_usage', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    meter: z.string(),
    hour: z.date(),
    changes: z.bigint(),
  }),
  partition: 'tenant',
  indexes: { byCustomer: ['tenant', 'customer', 'hour'] },
})
