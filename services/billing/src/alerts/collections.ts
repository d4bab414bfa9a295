import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** Thresholds of a customer's usage or spending. An alert tells that one was reached, a cap lets nothing pass it. */
export const usageAlerts = collection('usage_alerts', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    kind: z.enum(['alert', 'cap']),
    /** What is counted: a meter's quantity, or what some prices charge for it. */
    limit: z.discriminatedUnion('of', [
      z.strictObject({ of: z.literal('quantity'), meter: z.string(), quantity: z.string() }),
      z.strictObject({
        of: z.literal('spend'),
        prices: z.array(z.strictObject({ price: z.string(), meter: z.string(), definition: z.string() })),
        amount: z.bigint(),
        currency: z.string(),
      }),
    ]),
    period: z.enum(['month', 'subscription']),
    subscription: z.string().optional(),
    active: z.boolean(),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byCustomer: ['tenant', 'customer', 'createdAt'],
    watching: { keys: ['tenant', 'customer', 'createdAt'], where: { active: true } },
  },
})
export type UsageAlert = z.infer<typeof usageAlerts.schema>

/** How far an alert is in one period; written in the commit of the usage that it counts. */
export const alertStates = collection('alert_states', {
  schema: z.strictObject({
    /** Follows from the alert and the beginning of the period. */
    id: z.string(),
    tenant: z.string(),
    alert: z.string(),
    period: z.strictObject({ start: z.date(), end: z.date() }),
    /** The figure of each meter, an exact decimal. */
    counted: z.array(z.strictObject({ meter: z.string(), quantity: z.string() })),
    firedAt: z.date().optional(),
  }),
  partition: 'tenant',
})
export type AlertState = z.infer<typeof alertStates.schema>
