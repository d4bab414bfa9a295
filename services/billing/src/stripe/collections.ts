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
