import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** Which customer of Stripe stands for a customer of a marketplace. */
export const stripeCustomers = collection('stripe_customers', {
  schema: z.strictObject({
    /** Stripe's own id. */
    id: z.string(),
    tenant: z.string(),
    /** The customer's reference. */
    reference: z.string(),
    createdAt: z.date(),
  }),
  partition: 'id',
  indexes: { byReference: ['tenant', 'reference', 'createdAt'] },
})

/** Events that Stripe sent, by Stripe's id: what was seen is dropped when it comes again. */
export const stripeEvents = collection('stripe_events', {
  schema: z.strictObject({
    id: z.string(),
    /** Absent where the event is of nobody whom we know. */
    tenant: z.string().optional(),
    type: z.string(),
    /** The object that it tells of. */
    subject: z.string(),
    payment: z.string().optional(),
    receivedAt: z.date(),
  }),
  partition: 'id',
  indexes: { bySubject: ['subject', 'receivedAt'] },
})

/** Where a meter event stands: see the collection. */
export const meterEventStatus = z.enum([
  'pending',
  'sent',
  'refused',
  'unsure',
  'canceling',
  'canceled',
  'standing',
])

/**
 * What meters of Stripe are told, one document each; its id is the identifier by which Stripe drops repetitions. Written
 * in the commit of the usage event, so none is without the other.
 */
export const stripeMeterEvents = collection('stripe_meter_events', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    /** Our meter, whose link made it. */
    meter: z.string(),
    /** The usage event that it tells of. */
    event: z.string(),
    customer: z.string(),
    stripeCustomer: z.string(),
    eventName: z.string(),
    /** A decimal, as it is told. */
    value: z.string(),
    occurredAt: z.date(),
    /** Counts the corrections of the event: the highest is what holds. */
    round: z.int(),
    /**
     * `sent` is counted at Stripe; `standing` too, though it was corrected here; `unsure` may be. The others are not.
     */
    status: meterEventStatus,
    /** Corrected while it was not known whether Stripe had it: to be taken back once it has. */
    cancels: z.boolean().optional(),
    /** What must be taken back at Stripe before this one is told. */
    replaces: z.string().optional(),
    /** How often Stripe was asked, for what the status asks. */
    attempts: z.int(),
    /** When Stripe was first asked without an answer that says no: its memory of identifiers ends a day later. */
    askedAt: z.date().optional(),
    /** When it is worked on next; absent when nothing is left to do. */
    dueAt: z.date().optional(),
    sentAt: z.date().optional(),
    failure: z.strictObject({ code: z.string(), message: z.string() }).optional(),
    createdAt: z.date(),
    expiresAt: z.date().optional(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byStatus: ['tenant', 'status', 'createdAt'],
    byMeter: ['tenant', 'meter', 'createdAt'],
    byMeterStatus: ['tenant', 'meter', 'status', 'createdAt'],
    byEvent: ['tenant', 'event', 'round'],
    due: { keys: ['dueAt'], where: { dueAt: { exists: true } } },
  },
  expires: 'expiresAt',
})
export type MeterEvent = z.infer<typeof stripeMeterEvents.schema>
