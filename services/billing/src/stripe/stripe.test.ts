import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Behavior } from '../../test/stripe-books.ts'
import type { StripeServer } from '../../test/stripe-server.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { checkLedger } from '../ledger/check-ledger.ts'
import { paymentView } from '../payments/payment-schemas.ts'
import { resolvePayments } from '../payments/resolve-payments.ts'
import { startStripeWorld } from './stripe-world.ts'
import type { SentEvent, StripeWorld } from './stripe-world.ts'

const tenant = 'acct_stripe'
let market: StripeWorld
let world: BillingWorld
let stripe: StripeServer
let key: string
let count = 0

beforeAll(async () => {
  market = await startStripeWorld(tenant, { PAYMENT_RETURN_URL: 'https://market.test/paid' })
  ;({ world, stripe, key } = market)
})
afterAll(async () => {
  expect(await checkLedger(world.service.deps, tenant)).toMatchObject({ unbalanced: [], differences: [] })
  expect(stripe.violations).toEqual([])
  await market.close()
})

async function authorized(behavior?: Behavior, more: object = {}, amount = 1000) {
  const customer = await market.customer(behavior, more)
  const answer = await world.post('/v1/payments/authorize', key, { customer, amount })
  return readAnswer(paymentView, answer, 201)
}

const moved = (kind: string, payment: string, more: object = {}) =>
  world.post(`/v1/payments/${kind}`, key, { payment, ...more })
const read = (payment: string) => market.read(payment)
const intentOf = (payment: string) => market.intentOf(payment)
const send = (type: string, object: object, how?: SentEvent) => market.send(type, object, how)

describe('a payment through Stripe', () => {
  it('is held, captured in part and refunded, marked with tenant, payment and deed', async () => {
    const held = await authorized()
    expect(held).toMatchObject({ status: 'authorized', provider: 'stripe' })
    expect(intentOf(held.id).metadata).toEqual({ tenant, payment: held.id, deed: `${held.id}:authorize` })
    await moved('capture', held.id, { amount: 600 })
    expect(await read(held.id)).toMatchObject({ status: 'captured', captured: { amount: 600 } })
    await moved('refund', held.id, { amount: 200 })
    await moved('refund', held.id)
    expect(await read(held.id)).toMatchObject({ status: 'refunded', refunded: { amount: 600 } })
    expect(stripe.books.refunded(intentOf(held.id).id)).toBe(600)
    expect(held.provider_reference).toBe((await read(held.id)).provider_reference)
  })

  it('asks the buyer to authenticate, at an address of the bank, and goes on afterwards', async () => {
    const waiting = await authorized({ authenticates: true })
    const intent = intentOf(waiting.id)
    expect(waiting).toMatchObject({
      status: 'requires_action',
      action_url: intent.next_action?.redirect_to_url?.url,
    })
    expect(intent.next_action?.redirect_to_url?.return_url).toBe('https://market.test/paid')
    const before = readAnswer(paymentView, await moved('confirm', waiting.id))
    expect(before.status).toBe('requires_action')
    stripe.books.authenticate(intent.id, true)
    const after = readAnswer(paymentView, await moved('confirm', waiting.id))
    expect(after.status).toBe('authorized')
    expect(after.action_url).toBeUndefined()
  })

  it('that the buyer does not authenticate fails; one that nobody answers is let go after a day', async () => {
    const refused = await authorized({ authenticates: true })
    stripe.books.authenticate(intentOf(refused.id).id, false)
    await moved('confirm', refused.id)
    expect(await read(refused.id)).toMatchObject({ status: 'failed', failure: { hard: false } })
    const left = await authorized({ authenticates: true })
    market.time += 25 * 3_600_000
    await resolvePayments(world.service.deps)
    expect(await read(left.id)).toMatchObject({ status: 'voided' })
    expect(intentOf(left.id).status).toBe('canceled')
  })

  it.each([
    ['insufficient_funds', undefined, false],
    ['do_not_honor', undefined, false],
    ['do_not_honor', 'do_not_try_again', true],
    ['expired_card', undefined, true],
    ['pickup_card', undefined, true],
    ['revocation_of_authorization', undefined, true],
    ['lost_card', undefined, true],
    ['highest_risk_level', undefined, true],
    ['no_action_taken', undefined, false],
    ['expired_card', 'try_again_later', false],
  ])('declined as %s with the advice %s is hard: %s', async (code, advice, hard) => {
    const held = await authorized({ decline: { code, ...(advice !== undefined && { advice }) } })
    expect(held).toMatchObject({ status: 'failed', failure: { code, hard } })
  })

  it('is told in the units of Stripe, and never in a fraction that Stripe would round', async () => {
    const yen = await authorized({}, { currency: 'JPY' }, 500)
    expect(intentOf(yen.id).amount).toBe(500)
    const krona = await authorized({}, { currency: 'ISK' }, 5)
    expect(intentOf(krona.id).amount).toBe(500)
    await moved('capture', krona.id, { amount: 3 })
    expect(await read(krona.id)).toMatchObject({ captured: { amount: 3 } })
    const dinar = await authorized({}, { currency: 'KWD' }, 1005)
    expect(dinar).toMatchObject({ status: 'failed', failure: { code: 'amount_not_payable', hard: true } })
  })

  it('takes no card number and no method of somebody else', async () => {
    for (const token of ['4242424242424242', 'tok_visa', 'pm_unknown', 'pm_1/../../customers']) {
      const answer = await world.post('/v1/customers', key, {
        reference: `x${count++}`,
        payment_method: token,
      })
      expect(problemOf(answer).errors?.[0]?.pointer).toBe('/payment_method')
      expect(answer.text).not.toContain('4242424242424242')
    }
    const mine = stripe.card()
    const body = { reference: `x${count++}`, payment_method: mine }
    expect((await world.post('/v1/customers', key, body)).status).toBe(201)
    const theirs = { reference: `x${count++}`, payment_method: mine }
    expect((await world.post('/v1/customers', key, theirs)).status).toBe(400)
  })

  it.each([
    'POST /v1/customers',
    'POST /v1/payment_methods/:id/attach',
    'POST /v1/payment_intents/:id/confirm',
  ] as const)('goes on after any fault of %s', async (route) => {
    for (const fault of ['answer lost', '500 before', '500 after', '429'] as const) {
      const body = { reference: `dev_${count++}`, payment_method: stripe.card({ authenticates: true }) }
      stripe.fail(route, fault)
      const begun = await world.post('/v1/customers', key, body)
      if (begun.status !== 201) expect(begun.status).toBe(503)
      const again = begun.status === 201 ? begun : await world.post('/v1/customers', key, body)
      const { id } = readAnswer(customerView, again, 201)
      const asked = await world.post('/v1/payments/authorize', key, { customer: id, amount: 1000 })
      const { id: payment } = readAnswer(paymentView, asked, 201)
      market.time += 120_000
      await resolvePayments(world.service.deps)
      expect(await read(payment)).toMatchObject({ status: 'requires_action' })
      expect(intentOf(payment).amount).toBe(1000)
    }
  })

  it('can be given back only by an operator', async () => {
    const reference = `dev_buyer_${count++}`
    const id = await market.customer({}, { reference })
    const buyer = await world.keyOf({ tenant, role: 'developer', account: reference })
    const body = { customer: id, amount: 900 }
    const held = readAnswer(paymentView, await world.post('/v1/payments/authorize', buyer, body), 201)
    await moved('capture', held.id)
    for (const kind of ['refund', 'capture', 'void']) {
      const answer = await world.post(`/v1/payments/${kind}`, buyer, { payment: held.id })
      expect(answer.status).toBe(403)
    }
  })
})

describe('what happens at Stripe without being asked for here is booked', () => {
  it('a capture, in the amount that was taken', async () => {
    const held = await authorized()
    stripe.books.capture(intentOf(held.id).id, 700)
    const { status } = await send('payment_intent.succeeded', intentOf(held.id))
    expect(status).toBe(200)
    expect(await read(held.id)).toMatchObject({ status: 'captured', captured: { amount: 700 } })
  })

  it('a void, and a refund, once however often it is told', async () => {
    const gone = await authorized()
    stripe.books.cancel(intentOf(gone.id).id)
    await send('payment_intent.canceled', intentOf(gone.id))
    expect(await read(gone.id)).toMatchObject({ status: 'voided' })
    const held = await authorized()
    await moved('capture', held.id)
    const { id: payment_intent } = intentOf(held.id)
    stripe.books.refund({ payment_intent, amount: 250, metadata: {} })
    const object = { id: 'ch_1', object: 'charge', payment_intent }
    await Promise.all([1, 2, 3].map(() => send('charge.refunded', object)))
    expect(await read(held.id)).toMatchObject({ refunded: { amount: 250 } })
    await moved('refund', held.id, { amount: 100 })
    await send('charge.refunded', object)
    expect(await read(held.id)).toMatchObject({ refunded: { amount: 350 } })
  })

  it('before a void that is asked for here: the capture stands', async () => {
    const held = await authorized()
    stripe.books.capture(intentOf(held.id).id, 1000)
    await moved('void', held.id)
    expect(await read(held.id)).toMatchObject({ status: 'captured', captured: { amount: 1000 } })
  })

  it('before a capture that is asked for here: the hold is gone, and nothing is taken', async () => {
    const held = await authorized()
    stripe.books.cancel(intentOf(held.id).id)
    await moved('capture', held.id)
    expect(await read(held.id)).toMatchObject({ status: 'voided', captured: { amount: 0 } })
  })
})

describe('events of Stripe', () => {
  it('are refused without a signature of the secret over these bytes, or when they are old', async () => {
    const object = { id: 'sub_1', object: 'subscription', customer: 'cus_nobody' }
    const type = 'customer.subscription.updated'
    expect((await send(type, object, { signedWith: 'whsec_other' })).status).toBe(400)
    expect((await send(type, object, { at: market.time - 301_000 })).status).toBe(400)
    expect((await send(type, object, { at: market.time - 299_000 })).status).toBe(200)
    const unsigned = await world.call('POST', '/v1/webhooks/stripe', { body: { id: 'evt_x' } })
    expect(unsigned.status).toBe(400)
    const { json } = await world.call('GET', '/v1/openapi.json')
    expect(json).toHaveProperty(['paths', '/v1/webhooks/stripe', 'post'])
  })

  it('settle a payment whose answer was lost', async () => {
    stripe.fail('POST /v1/payment_intents', 'answer lost')
    stripe.fail('GET /v1/payment_intents', '429')
    const held = await authorized()
    expect(held.status).toBe('authorizing')
    const { body } = await send('payment_intent.amount_capturable_updated', intentOf(held.id))
    expect(body).toMatchObject({ outcome: 'recorded' })
    expect(await read(held.id)).toMatchObject({ status: 'authorized' })
  })

  it('count once, and those of another kind, mode or account change nothing', async () => {
    const held = await authorized()
    const object = intentOf(held.id)
    const type = 'payment_intent.amount_capturable_updated'
    expect((await send(type, object, { id: 'evt_same' })).body).toMatchObject({ outcome: 'recorded' })
    expect((await send(type, object, { id: 'evt_same' })).body).toMatchObject({ outcome: 'duplicate' })
    expect((await send('radar.early_fraud_warning.created', object)).body).toMatchObject({
      outcome: 'ignored',
    })
    expect((await send(type, object, { livemode: true })).body).toMatchObject({ outcome: 'ignored' })
    // An intent that merely claims to be this payment's.
    const { customer, payment_method, metadata } = object
    stripe.books.create({
      amount: 9000,
      currency: 'usd',
      customer,
      payment_method,
      metadata,
      off_session: 'true',
    })
    const forged = stripe.books.intentsOf(held.id)[1]
    if (!forged) throw new Error('no forged intent')
    stripe.books.capture(forged.id, 9000)
    await send('payment_intent.succeeded', forged)
    expect(await read(held.id)).toMatchObject({ status: 'authorized', captured: { amount: 0 } })
  })

  it('of subscriptions that a marketplace keeps at Stripe are recorded for it', async () => {
    await market.customer()
    const customer = [...stripe.books.customers].at(-1)
    for (const type of [
      'invoice.payment_succeeded',
      'invoice.payment_failed',
      'customer.subscription.deleted',
    ])
      expect((await send(type, { id: 'in_1', customer })).body).toMatchObject({
        outcome: 'recorded',
      })
    const kinds = () => world.recorded(tenant).map(({ kind }) => kind)
    await until(() => (kinds().includes('stripe.customer.subscription.deleted') ? true : undefined))
    expect(kinds()).toContain('stripe.invoice.payment_failed')
  })
})
