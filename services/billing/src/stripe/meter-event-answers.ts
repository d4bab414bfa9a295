import { Stripe } from 'stripe'
import type { MeterEvent } from './collections.ts'
import { askAnew, isRefusal, unknownOf } from './stripe-answers.ts'

/** What Stripe said: done, refused for good, not done now (`busy`), or nothing that tells whether it was done. */
export type MeterAnswer =
  | { outcome: 'done' }
  | { outcome: 'refused'; code: string; message: string }
  | { outcome: 'busy'; message: string }
  | { outcome: 'unknown'; message: string }

/**
 * Asks Stripe to count an event: https://docs.stripe.com/api/billing/meter-event/create. Its identifier makes
 * repetitions harmless; Stripe refuses one that it has by a 400, which says that it was counted.
 */
export async function askToCount(stripe: Stripe, event: MeterEvent): Promise<MeterAnswer> {
  const { id, eventName, stripeCustomer, value, occurredAt, attempts } = event
  try {
    await stripe.billing.meterEvents.create(
      {
        event_name: eventName,
        identifier: id,
        timestamp: Math.floor(occurredAt.getTime() / 1000),
        payload: { stripe_customer_id: stripeCustomer, value },
      },
      // A key of its own: Stripe would repeat the failure of the first asking for a day.
      { idempotencyKey: `${id}:${attempts}` },
    )
    return { outcome: 'done' }
  } catch (error) {
    return isRefusal(error) && isDuplicate(error) ? { outcome: 'done' } : failureOf(error)
  }
}

/** Asks Stripe to take an event back: https://docs.stripe.com/api/billing/meter-event-adjustment/create. */
export async function askToCancel(stripe: Stripe, event: MeterEvent): Promise<MeterAnswer> {
  const { id: identifier, eventName: event_name } = event
  const params = { event_name, type: 'cancel' as const, cancel: { identifier } }
  try {
    await askAnew(`${identifier}:cancel`, async (idempotencyKey) =>
      stripe.billing.meterEventAdjustments.create(params, { idempotencyKey }),
    )
    return { outcome: 'done' }
  } catch (error) {
    return failureOf(error)
  }
}

function isDuplicate({ code, message }: Stripe.errors.StripeInvalidRequestError): boolean {
  return code === 'duplicate_meter_event' || /already exists with identifier/i.test(message)
}

function failureOf(error: unknown): MeterAnswer {
  if (isRefusal(error) && error.statusCode !== 429 && error.statusCode !== 409)
    return { outcome: 'refused', code: error.code ?? error.type, message: error.message.slice(0, 500) }
  const { message } = unknownOf(error)
  const turnedAway =
    error instanceof Stripe.errors.StripeRateLimitError ||
    error instanceof Stripe.errors.StripeAuthenticationError ||
    error instanceof Stripe.errors.StripePermissionError
  return { outcome: turnedAway ? 'busy' : 'unknown', message }
}
