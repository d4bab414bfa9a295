import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** Prices; a definition never changes, a new price takes its place. */
export const prices = collection('prices', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    currency: z.string(),
    /** The price as `@tallystick/pricing` defines it, in canonical JSON. */
    definition: z.string(),
    /** The meter whose usage it charges; absent for flat and seat prices. */
    meter: z.string().optional(),
    /** The license whose pricing it is: only usage of that one is charged, to its buyer alone. */
    license: z.string().optional(),
    taxCode: z.string().optional(),
    active: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'createdAt'] },
})

/** Several prices that are subscribed to together. */
export const plans = collection('plans', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    currency: z.string(),
    prices: z.array(z.string()),
    interval: z.enum(['month', 'year']),
    trialDays: z.number(),
    active: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'createdAt'] },
})
