import { Stripe } from 'stripe'
import { readAnswer } from '@tallystick/runtime/test-http'
import type { z } from 'zod'
import type { Behavior } from '../../test/stripe-books.ts'
import { startStripeServer } from '../../test/stripe-server.ts'
import type { StripeServer } from '../../test/stripe-server.ts'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { paymentView } from '../payments/payment-schemas.ts'

type Payment = z.infer<typeof paymentView>

/** How an event of Stripe is sent; by its own endpoint, now and in test mode unless told. */
export interface SentEvent {
  id?: string
  at?: number
  signedWith?: string
  livemode?: boolean
  account?: string
}

/** A billing service whose rail is a stand-in for Stripe, and a marketplace in it. */
export interface StripeWorld {
  world: BillingWorld
  stripe: StripeServer
  tenant: string
  /** The operator's. */
  key: string
  /** The time of both, in milliseconds; it stands still unless it is set. */
  time: number
  /** A new customer with a card that behaves as told. */
  customer(behavior?: Behavior, more?: object): Promise<string>
  read(payment: string): Promise<Payment>
  /** The only intent of a payment. */
  intentOf(payment: string): ReturnType<StripeServer['books']['intentsOf']>[number]
  /** Sends an event as Stripe does, signed over its bytes. */
  send(type: string, object: object, how?: SentEvent): Promise<{ status: number; body: unknown }>
  close(): Promise<void>
}

const secret = 'whsec_local'
let count = 0

/** Starts both; each test file has its own. */
export async function startStripeWorld(
  tenant: string,
  env: Record<string, string> = {},
): Promise<StripeWorld> {
  let time = Date.UTC(2026, 3, 1, 9)
  const now = () => new Date(time)
  const stripe = await startStripeServer(now)
  const rail = {
    STRIPE_SECRET_KEY: 'sk_test_local',
    STRIPE_API_BASE: stripe.url,
    STRIPE_WEBHOOK_SECRET: secret,
  }
  const world = await startBillingWorld({ entropy: { now }, env: { ...rail, ...env } })
  const key = await world.keyOf({ tenant })
  return {
    world,
    stripe,
    tenant,
    key,
    get time() {
      return time
    },
    set time(to) {
      time = to
    },
    async customer(behavior, more = {}) {
      const body = { reference: `buyer_${count++}`, payment_method: stripe.card(behavior), ...more }
      return readAnswer(customerView, await world.post('/v1/customers', key, body), 201).id
    },
    read: async (id) => readAnswer(paymentView, await world.call('GET', `/v1/payments/${id}`, { key })),
    intentOf(payment) {
      const [intent, ...others] = stripe.books.intentsOf(payment)
      if (!intent || others.length > 0) throw new Error(`${payment} has not one intent`)
      return intent
    },
    async send(type, object, { id = `evt_${count++}`, at = time, signedWith = secret, ...how } = {}) {
      const payload = JSON.stringify({ id, object: 'event', type, livemode: false, ...how, data: { object } })
      const timestamp = Math.floor(at / 1000)
      const signature = await Stripe.webhooks.generateTestHeaderStringAsync({
        payload,
        secret: signedWith,
        timestamp,
      })
      const response = await fetch(`${world.url}/v1/webhooks/stripe`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'stripe-signature': signature },
        body: payload,
      })
      return { status: response.status, body: await response.json() }
    },
    async close() {
      await world.close()
      await stripe.close()
    },
  }
}
