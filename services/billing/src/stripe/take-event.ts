import { Fault } from '@tallystick/protocol'
import { auditEvent } from '@tallystick/runtime'
import { DuplicateKey, insert } from '@tallystick/storage'
import { Stripe } from 'stripe'
import type { Deps } from '../deps.ts'
import { stripeCustomers, stripeEvents } from './collections.ts'
import { reviewDispute } from './review-dispute.ts'
import { idOf, reviewIntent } from './review-intent.ts'
import type { About } from './review-intent.ts'
import { reviewRefund } from './review-refund.ts'
import { isRefusal } from './stripe-answers.ts'

/** What became of an event; one that is not handled is no error, or Stripe would send it for days. */
export type EventOutcome = 'recorded' | 'duplicate' | 'ignored'

/**
 * Takes an event whose signature was verified. What it says of a payment is not believed but looked up at Stripe: so
 * events may come late, twice and in any order. It is recorded last; what fails before comes again, and is booked once.
 */
export async function takeEvent(deps: Deps, stripe: Stripe, event: Stripe.Event): Promise<EventOutcome> {
  // Of an account that is connected to ours, or of the other mode: its objects are none of ours.
  if (event.livemode !== deps.livemode || event.account !== undefined) return 'ignored'
  if (await deps.store.get(stripeEvents, event.id)) return 'duplicate'
  const about = await handle(deps, stripe, event).catch(unavailable)
  if (!about) return 'ignored'
  const { subject, tenant, payment } = about
  const receivedAt = deps.now()
  const seen = {
    id: event.id,
    type: event.type,
    subject,
    receivedAt,
    ...(tenant !== undefined && { tenant }),
    ...(payment !== undefined && { payment }),
  }
  const data = { event: event.id, subject, ...(payment !== undefined && { payment }) }
  const record = { kind: `stripe.${event.type}`, actor: 'stripe', licenses: [], items: [], data }
  const told =
    tenant === undefined ? [] : [auditEvent({ id: deps.newId('event'), tenant, at: receivedAt, record })]
  try {
    await deps.store.commit([insert(stripeEvents, seen), ...told])
    return 'recorded'
  } catch (error) {
    if (error instanceof DuplicateKey) return 'duplicate'
    throw error
  }
}

/** Where Stripe cannot be asked the event comes again; what Stripe does not have is nobody's. */
function unavailable(error: unknown): undefined {
  if (!(error instanceof Stripe.errors.StripeError)) throw error
  if (isRefusal(error) && error.code === 'resource_missing') return undefined
  throw new Fault('unavailable', { detail: 'Stripe could not be asked what happened', cause: error })
}

async function handle(deps: Deps, stripe: Stripe, event: Stripe.Event): Promise<About | undefined> {
  switch (event.type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed':
    case 'payment_intent.amount_capturable_updated':
    case 'payment_intent.canceled':
      return reviewIntent(deps, stripe, event.data.object.id)
    case 'charge.refunded': {
      const { id, payment_intent: intent } = event.data.object
      return intent === null ? { subject: id } : reviewIntent(deps, stripe, idOf(intent))
    }
    case 'refund.updated':
    case 'refund.failed':
    case 'charge.refund.updated':
      return reviewRefund(deps, stripe, event.data.object.id)
    case 'charge.dispute.created':
    case 'charge.dispute.updated':
    case 'charge.dispute.closed':
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.funds_reinstated':
      return reviewDispute(deps, stripe, event.data.object.id)
    // Of marketplaces that keep their subscriptions at Stripe: the event is theirs to read, nothing here is billed by it.
    case 'invoice.payment_succeeded':
    case 'invoice.payment_failed':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted': {
      const { id, customer } = event.data.object
      const known = customer === null ? undefined : await deps.store.get(stripeCustomers, idOf(customer))
      return { subject: id, tenant: known?.tenant }
    }
    default:
      return undefined
  }
}
