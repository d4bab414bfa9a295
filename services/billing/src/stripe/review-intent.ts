import type { Stored } from '@tallystick/storage'
import type { Stripe } from 'stripe'
import type { Deps } from '../deps.ts'
import { adoptDeed } from '../payments/adopt-deed.ts'
import { carryOut } from '../payments/ask-provider.ts'
import { payments } from '../payments/collections.ts'
import type { Payment } from '../payments/payment-machine.ts'
import { fromStripeAmount } from './stripe-amounts.ts'

/** The marketplace, the object and the payment that an event is about. */
export interface About {
  subject: string
  tenant?: string | undefined
  payment?: string | undefined
}

/** Brings the payment of an intent in line with what Stripe says of it now; of nobody's intent nothing. */
export async function reviewIntent(deps: Deps, stripe: Stripe, id: string): Promise<About> {
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
    if (ownRefundOf(refund, id) !== undefined || refund.status !== 'succeeded') continue
    const amount = fromStripeAmount(refund.amount, currency)
    await adoptDeed(deps, id, { action: 'refund', amount, reference, refund: refund.id })
  }
}

/** Our refund that a refund of Stripe was asked for by, or undefined for one that was given there. */
export function ownRefundOf(
  { metadata }: Pick<Stripe.Refund, 'metadata'>,
  payment: string,
): string | undefined {
  const prefix = `${payment}:refund:`
  const deed = metadata?.['deed']
  return deed?.startsWith(prefix) ? deed.slice(prefix.length) : undefined
}

/** The id of an object that Stripe tells whole or by its id. */
export function idOf(one: string | { id: string }): string {
  return typeof one === 'string' ? one : one.id
}
