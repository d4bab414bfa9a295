import { collection } from '@tallystick/storage'
import { z } from 'zod'

const item = z.strictObject({
  id: z.string(),
  price: z.string(),
  /** Seats or units of a flat price; usage is counted by meters. */
  quantity: z.number(),
})

/** Subscriptions: which prices hold for a customer, and which period comes next. */
export const subscriptions = collection('subscriptions', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    plan: z.string().optional(),
    currency: z.string(),
    items: z.array(item),
    status: z.enum(['trialing', 'active', 'past_due', 'paused', 'canceled']),
    interval: z.enum(['month', 'year']),
    /** Day of month on which periods begin; 31 means the last day of shorter months. */
    anchorDay: z.number(),
    timeZone: z.string(),
    start: z.date(),
    /** How many periods were closed; with `start` it says which one is open. */
    periodIndex: z.number(),
    period: z.strictObject({ start: z.date(), end: z.date() }),
    trialEnd: z.date().optional(),
    cancelAt: z.date().optional(),
    canceledAt: z.date().optional(),
    pausedAt: z.date().optional(),
    pendingChange: z.strictObject({ plan: z.string().optional(), items: z.array(item) }).optional(),
    /** Lines that wait for the next invoice: prorations, late usage. Canonical JSON of stored lines. */
    pendingLines: z.array(z.string()),
    /** When its open period is to be closed, by the time that holds for its customer. */
    dueAt: z.date().optional(),
    /** The test clock that it follows; absent: real time. The job for real time looks at those without one. */
    clock: z.string(),
    metadata: z.record(z.string(), z.string()),
    createdAt: z.date(),
    updatedAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byCustomer: ['tenant', 'customer', 'createdAt'],
    byStatus: ['tenant', 'status', 'createdAt'],
    due: { keys: ['clock', 'dueAt'], where: { dueAt: { exists: true } } },
  },
})
