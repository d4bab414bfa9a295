import { auditEvent } from '@tallystick/runtime'
import { DuplicateKey, insert } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import type { Stripe } from 'stripe'
import { adoptDeed } from '../payments/adopt-deed.ts'
import { carryOut } from '../payments/ask-provider.ts'
import { payments } from '../payments/collections.ts'
import type { Deps } from '../deps.ts'
import type { Payment } from '../payments/payment-machine.ts'
import { stripeCustomers, stripeEvents } from './collections.ts'
import { fromStripeAmount } from './stripe-amounts.ts'

/** What became of an event; one that is not handled is no error, or Stripe would send it for days. */
export type EventOutcome = 'recorded' | 'duplicate' | 'ignored'

/** The marketplace, the object and the payment that an event is about. */
interface About {
  subject: string
  tenant?: string | undefined
  payment?: string | undefined
}

/**
 * Takes an event whose signature was verified. What it says of a payment is not believed but looked up at Stripe: so
 * events may come late, twice and in any order. It is recorded last; what fails before comes again, and is booked once.
 */
export async function takeEvent(deps: Deps, stripe: Stripe, event: Stripe.Event): Promise<EventOutcome> {
  if (event.livemode !== deps.livemode) return 'ignored'
  if (await deps.store.get(stripeEvents, event.id)) return 'duplicate'
  const about = await handle(deps, stripe, event)
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

async function handle(deps: Deps, stripe: Stripe, event: Stripe.Event): Promise<About | undefined> {
  switch (event.type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed':
    case 'payment_intent.amount_capturable_updated':
    case 'payment_intent.canceled':
      return aboutIntent(deps, stripe, event.data.object.id)
    case 'charge.refunded': {
      const { id, payment_intent: intent } = event.data.object
      return intent === null ? { subject: id } : aboutIntent(deps, stripe, idOf(intent))
    }
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

async function aboutIntent(deps: Deps, stripe: Stripe, id: string): Promise<About> {
  const intent = await stripe.paymentIntents.retrieve(id)
  const payment = await paymentOf(deps, intent)
  if (!payment) return { subject: id }
  await review(deps, stripe, payment, intent)
  return { subject: id, tenant: payment.tenant, payment: payment.id }
}

/** The payment that an intent names, if it is really that payment's own: metadata can be edited by anybody at Stripe. */
async function paymentOf(deps: Deps, intent: Stripe.PaymentIntent): Promise<Stored<Payment> | undefined> {
  const { payment: id, tenant } = intent.metadata
  const payment = id === undefined ? undefined : await deps.store.get(payments, id)
  if (!payment || payment.provider !== 'stripe' || payment.tenant !== tenant) return undefined
  if (payment.providerReference !== undefined && payment.providerReference !== intent.id) return undefined
  return payment
}

/** Brings a payment in line with its intent at Stripe. */
async function review(
  deps: Deps,
  stripe: Stripe,
  payment: Stored<Payment>,
  intent: Stripe.PaymentIntent,
): Promise<void> {
  const { id: reference, status } = intent
  const { id, currency } = payment
  if (payment.intent) await carryOut(deps, payment, { askedBefore: true })
  if (status === 'succeeded') {
    const amount = fromStripeAmount(intent.amount_received, currency)
    await adoptDeed(deps, id, { action: 'capture', amount, reference })
    await adoptRefunds(deps, stripe, payment, reference)
  }
  if (status === 'canceled') await adoptDeed(deps, id, { action: 'void', amount: payment.amount, reference })
  // We gave this payment up, and told so: what Stripe holds for it after all is let go.
  if (status === 'requires_capture' && payment.status === 'failed')
    await stripe.paymentIntents.cancel(reference, {}, { idempotencyKey: `${id}:given-up` })
}

async function adoptRefunds(
  deps: Deps,
  stripe: Stripe,
  { id, currency }: Payment,
  reference: string,
): Promise<void> {
  for await (const refund of stripe.refunds.list({ payment_intent: reference, limit: 100 })) {
    const own = refund.metadata?.['deed']?.startsWith(`${id}:refund:`) === true
    if (own || refund.status !== 'succeeded') continue
    const amount = fromStripeAmount(refund.amount, currency)
    await adoptDeed(deps, id, { action: 'refund', amount, reference, refund: refund.id })
  }
}

function idOf(one: string | { id: string }): string {
  return typeof one === 'string' ? one : one.id
}
