import { collection } from '@tallystick/storage'
import { z } from 'zod'
import { storedLine } from '../invoices/collections.ts'

const span = z.strictObject({ start: z.date(), end: z.date() })

/** A price, or a license and the price that its pricing comes to, within a subscription. Its id is a number of its own within the period. */
export const storedItem = z.strictObject({
  id: z.string(),
  price: z.string(),
  /** The license that is charged. */
  license: z.string().optional(),
  /** Seats; usage is counted by meters, and a flat price is due once. */
  quantity: z.number(),
  /** Usage counts from here on; from the beginning of the period where it is absent. */
  from: z.date().optional(),
  /** Set once the item was replaced within the period: its usage counts up to here and it does not go on. */
  until: z.date().optional(),
  /** What was charged ahead for the time from `from` to the end of the period: what a change gives back in part. */
  advance: z.strictObject({ from: z.date(), amount: z.bigint() }).optional(),
})

/** How periods follow each other. */
const schedule = {
  interval: z.enum(['month', 'year']),
  intervalCount: z.number(),
  /** A beginning of a period at or before the first that is charged: all others are counted from it. */
  anchor: z.date(),
}

/** Subscriptions: which prices hold for a customer, and which period comes next. */
export const subscriptions = collection('subscriptions', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    plan: z.string().optional(),
    licenses: z.array(z.string()),
    currency: z.string(),
    items: z.array(storedItem),
    /** Those of its licenses whose single amount was charged. */
    chargedOnce: z.array(z.string()).optional(),
    status: z.enum(['scheduled', 'trialing', 'active', 'past_due', 'suspended', 'paused', 'canceled']),
    ...schedule,
    /** What held before its interval was changed, oldest first, each up to a moment: late usage belongs there. */
    formerSchedules: z.array(z.strictObject({ ...schedule, until: z.date() })).optional(),
    /** Day of month on which periods begin; 31 means the last day of shorter months. */
    anchorDay: z.number(),
    timeZone: z.string(),
    start: z.date(),
    /** The period that is open; empty while nothing has begun. */
    period: span,
    /** The whole period that an open one which is shorter is a part of: its charges are that share of the whole. */
    whole: span.optional(),
    /** How many periods were closed: names the next invoice, so that a run that is repeated comes to the same. */
    closings: z.number(),
    trialEnd: z.date().optional(),
    cancelAt: z.date().optional(),
    canceledAt: z.date().optional(),
    pausedAt: z.date().optional(),
    /** Since when an invoice of it could not be collected; absent once none of them is past due. */
    pastDueSince: z.date().optional(),
    /** When the grace of such an invoice was over. */
    suspendedAt: z.date().optional(),
    /** What holds from the next period on. */
    pendingChange: z
      .strictObject({
        plan: z.string().optional(),
        items: z.array(
          z.strictObject({ price: z.string(), license: z.string().optional(), quantity: z.number() }),
        ),
        interval: z.enum(['month', 'year']),
        intervalCount: z.number(),
      })
      .optional(),
    /** Lines that wait for the next invoice: prorations. */
    pendingLines: z.array(storedLine),
    /**
     * When a run closes its open period, by the time that holds for its customer: at its end, or later where that has
     * failed; and once more when no late usage of an ended one can come.
     */
    dueAt: z.date().optional(),
    /** Why its period could not be closed yet. */
    failure: z
      .strictObject({ code: z.string(), message: z.string(), since: z.date(), attempts: z.number() })
      .optional(),
    /** The test clock that it follows; empty: real time. The job for real time looks at those without one. */
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
    failing: { keys: ['clock', 'dueAt'], where: { failure: { exists: true } } },
  },
})

/**
 * What an item's usage of a period was last charged. When late usage comes, all of it is rated anew and what comes out
 * takes the place of this, so that each correction goes out from the one before.
 */
export const billedUsage = collection('billed_usage', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    subscription: z.string(),
    item: z.string(),
    price: z.string(),
    period: span,
    whole: span.optional(),
    /** The rating by `@tallystick/pricing` that was last invoiced: canonical JSON. */
    rating: z.string(),
    /** How often it was corrected. */
    corrections: z.number(),
    /** The end of the period, for the index. */
    end: z.date(),
  }),
  partition: 'tenant',
  indexes: { byCustomer: ['tenant', 'customer', 'end'] },
})

/** Which subscription charges a license, so that no two ever do. */
export const licenseHolders = collection('license_holders', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    license: z.string(),
    /** The last that has charged it, or empty. */
    subscription: z.string(),
  }),
  partition: 'tenant',
})
