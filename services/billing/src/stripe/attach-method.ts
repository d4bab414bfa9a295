import { hash } from 'node:crypto'
import { Fault } from '@tallystick/protocol'
import { DuplicateKey, insert } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { Stripe } from 'stripe'
import { stripeCustomers } from './collections.ts'
import { askAnew } from './stripe-answers.ts'

// Stripe's payment methods only: whatever else a caller sends, a card number among them, goes no further.
const tokenPattern = /^pm_[A-Za-z0-9_]{4,80}$/

/** What attaching needs. */
export interface AttachDeps {
  store: Store
  stripe: Stripe
  now: () => Date
}

/**
 * Attaches a payment method to the customer of Stripe that stands for ours, made when there is none. The token that is
 * kept names both, `cus_…/pm_…`. Throws Fault `validation_failed` for a method that cannot be attached, `unavailable`
 * when Stripe does not answer.
 */
export async function attachMethod(
  deps: AttachDeps,
  { tenant, customer, token }: { tenant: string; customer: string; token: string },
): Promise<{ token: string; brand: string; last4: string }> {
  if (!tokenPattern.test(token)) throw unusable('is no payment method of Stripe')
  try {
    const owner = await ownerOf(deps, tenant, customer)
    const { card } = await askAnew(`${owner}:attach:${token}`, async (idempotencyKey) =>
      deps.stripe.paymentMethods.attach(token, { customer: owner }, { idempotencyKey }),
    )
    if (!card) throw unusable('is no card')
    return { token: `${owner}/${token}`, brand: card.brand, last4: card.last4 }
  } catch (error) {
    if (error instanceof Stripe.errors.StripeCardError) throw unusable('was declined')
    if (error instanceof Stripe.errors.StripeInvalidRequestError)
      throw unusable('is unknown to Stripe or belongs to somebody else')
    if (error instanceof Stripe.errors.StripeError)
      throw new Fault('unavailable', { detail: 'The payment provider does not answer', cause: error })
    throw error
  }
}

/** The two parts of a token that `attachMethod` gave. */
export function readMethod(token: string): { customer: string; method: string } {
  const [customer = '', method = ''] = token.split('/')
  return { customer, method }
}

async function ownerOf(
  { store, stripe, now }: AttachDeps,
  tenant: string,
  reference: string,
): Promise<string> {
  const equals = [tenant, reference]
  const { items } = await store.find(stripeCustomers.byReference, { equals, order: 'asc', limit: 1 })
  if (items[0]) return items[0].id
  // Two that attach at once ask under one key, and so get one customer.
  const key = `customer:${hash('sha256', JSON.stringify(equals))}`
  const metadata = { tenant, customer: reference }
  const { id } = await askAnew(key, async (idempotencyKey) =>
    stripe.customers.create({ metadata }, { idempotencyKey }),
  )
  try {
    await store.commit([insert(stripeCustomers, { id, tenant, reference, createdAt: now() })])
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error
  }
  return id
}

function unusable(message: string): Fault {
  const fix = 'Make a payment method with Stripe.js and send its id, pm_….'
  return new Fault('validation_failed', { errors: [{ pointer: '/payment_method', message, fix }] })
}
