import { listOf } from '@tallystick/protocol'
import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { checkLedger } from '../ledger/check-ledger.ts'
import { trialBalanceView } from '../ledger/ledger-schemas.ts'
import { capturePayment } from './change-payment.ts'
import { payments } from './collections.ts'
import type { PaymentProvider } from './payment-provider.ts'
import { paymentView, refundView } from './payment-schemas.ts'
import { expireHolds, resolvePayments } from './resolve-payments.ts'
import { sandboxHolds } from './sandbox-provider.ts'

let world: BillingWorld
let key: string
let time = Date.UTC(2026, 0, 31, 12)
const tenant = 'acct_pay'

beforeAll(async () => {
  world = await startBillingWorld({ entropy: { now: () => new Date(time) } })
  key = await world.keyOf({ tenant })
})
afterAll(async () => {
  expect(await checkLedger(world.service.deps, tenant)).toMatchObject({ unbalanced: [], differences: [] })
  await world.close()
})

let count = 0
async function customerWith(card: string): Promise<string> {
  const body = { reference: `dev_${count++}`, payment_method: card }
  return readAnswer(customerView, await world.post('/v1/customers', key, body), 201).id
}

async function authorized(card: string, more: object = {}) {
  const body = { customer: await customerWith(card), amount: 1000, ...more }
  return readAnswer(paymentView, await world.post('/v1/payments/authorize', key, body), 201)
}

async function moved(kind: string, payment: string, more: object = {}) {
  return world.post(`/v1/payments/${kind}`, key, { payment, ...more })
}

describe('the test cards', () => {
  it('4242 succeeds: held, captured in part, the rest released, refunded', async () => {
    const held = await authorized('4242 4242 4242 4242')
    expect(held).toMatchObject({ status: 'authorized', amount: { amount: 1000, currency: 'USD' } })
    expect(held.expires_at).toBe('2026-02-07T12:00:00.000Z')
    const captured = readAnswer(paymentView, await moved('capture', held.id, { amount: 600 }))
    expect(captured).toMatchObject({ status: 'captured', captured: { amount: 600 } })
    expect(problemOf(await moved('capture', held.id)).code).toBe('invalid_state')
    const part = readAnswer(refundView, await moved('refund', held.id, { amount: 200 }), 201)
    expect(part).toMatchObject({ status: 'succeeded', payment: { status: 'partially_refunded' } })
    expect(problemOf(await moved('refund', held.id, { amount: 401 })).errors?.[0]?.pointer).toBe('/amount')
    const rest = readAnswer(refundView, await moved('refund', held.id), 201)
    expect(rest).toMatchObject({ amount: { amount: 400 }, payment: { status: 'refunded' } })
    expect(problemOf(await moved('refund', held.id)).code).toBe('invalid_state')
  })

  it('0002 declines, and says how', async () => {
    const held = await authorized('4000 0000 0000 0002')
    expect(held).toMatchObject({ status: 'failed', failure: { code: 'card_declined', hard: false } })
  })

  it('3155 asks for authentication; whoever passes it is authorized, whoever does not is not', async () => {
    const waiting = await authorized('4000 0025 0000 3155')
    expect(waiting.status).toBe('requires_action')
    expect(problemOf(await moved('capture', waiting.id)).code).toBe('invalid_state')
    const passed = readAnswer(paymentView, await moved('confirm', waiting.id))
    expect(passed.status).toBe('authorized')
    const other = await authorized('4000 0025 0000 3155')
    const refused = readAnswer(paymentView, await moved('confirm', other.id, { authenticated: false }))
    expect(refused).toMatchObject({ status: 'failed', failure: { code: 'authentication_failed' } })
  })

  it('0127 loses the answer after the deed: it is looked up, not asked twice', async () => {
    expect((await authorized('4000 0000 0000 0127')).status).toBe('authorized')
  })

  it('0119 loses the request: the payment waits, and is resolved later, once', async () => {
    const waiting = await authorized('4000 0000 0000 0119')
    expect(waiting.status).toBe('authorizing')
    time += 61_000
    await resolvePayments(world.service.deps)
    const { json } = await world.call('GET', `/v1/payments/${waiting.id}`, { key })
    expect(json).toMatchObject({ status: 'authorized' })
  })
})

describe('a hold', () => {
  it('is resolved once, however many capture and void it at once', async () => {
    const held = await authorized('4242 4242 4242 4242')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => moved(n % 2 === 0 ? 'capture' : 'void', held.id)),
    )
    const done = answers.filter(({ status }) => status === 200)
    const { json } = await world.call('GET', `/v1/payments/${held.id}`, { key })
    const final = z.object({ status: z.string(), captured: z.object({ amount: z.number() }) }).parse(json)
    expect(['captured', 'voided']).toContain(final.status)
    expect(final.captured.amount).toBe(final.status === 'captured' ? 1000 : 0)
    expect(done.length).toBeGreaterThan(0)
    for (const answer of answers) expect([200, 409]).toContain(answer.status)
  })

  it('whose time is over is let go', async () => {
    const held = await authorized('4242 4242 4242 4242')
    time += 7 * 86_400_000
    await expireHolds(world.service.deps, new Date(time))
    const { json } = await world.call('GET', `/v1/payments/${held.id}`, { key })
    expect(json).toMatchObject({ status: 'expired' })
  })

  it('cannot be captured beyond what is held', async () => {
    const held = await authorized('4242 4242 4242 4242')
    expect(problemOf(await moved('capture', held.id, { amount: 1001 })).status).toBe(400)
  })
})

/** What the sandbox itself holds, took and gave back for a payment. */
async function heldBySandbox(id: string) {
  const payment = await world.service.deps.store.get(payments, id)
  const hold = await world.service.deps.store.get(sandboxHolds, payment?.providerReference ?? '')
  if (!payment || !hold) throw new Error(`${id} is not held`)
  return { payment, hold }
}

describe('races', () => {
  it('capture, void and the job that ends holds: one of them happens, here and at the provider', async () => {
    for (let round = 0; round < 5; round++) {
      const held = await authorized('4242 4242 4242 4242')
      time += 7 * 86_400_000
      await Promise.all([
        moved('capture', held.id),
        expireHolds(world.service.deps, new Date(time)),
        moved('void', held.id),
        expireHolds(world.service.deps, new Date(time)),
        moved('capture', held.id, { amount: 1 }),
      ])
      time += 3_600_000
      await resolvePayments(world.service.deps)
      const { payment, hold } = await heldBySandbox(held.id)
      expect(payment.intent).toBeUndefined()
      expect(hold.captured).toBe(payment.captured)
      expect(hold.state).toBe(payment.status === 'captured' ? 'captured' : 'voided')
    }
  })

  it('refunds at once never give back more than was taken', async () => {
    const held = await authorized('4242 4242 4242 4242')
    await moved('capture', held.id)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => moved('refund', held.id, { amount: 300 })),
    )
    const done = answers.filter(({ status }) => status === 201).length
    const { payment, hold } = await heldBySandbox(held.id)
    expect(done).toBeGreaterThan(0)
    expect(payment.refunded).toBe(hold.refunded)
    expect(payment.refunded).toBe(300n * BigInt(done))
    expect(payment.refunded).toBeLessThanOrEqual(payment.captured)
  })

  it('the job that looks up comes while the request is being served: the money is taken once', async () => {
    const { deps } = world.service
    const held = await authorized('4242 4242 4242 4242')
    const provider: PaymentProvider = {
      ...deps.provider,
      async perform(deed) {
        time += 3_600_000
        await resolvePayments(deps)
        return deps.provider.perform(deed)
      },
    }
    const { payment } = await heldBySandbox(held.id)
    const captured = await capturePayment({ ...deps, provider }, payment, 400n)
    expect(captured).toMatchObject({ status: 'captured', captured: 400n })
    expect((await heldBySandbox(held.id)).hold.captured).toBe(400n)
  })

  it('a capture that was declined may be asked for again, of another amount', async () => {
    const { deps } = world.service
    const held = await authorized('4242 4242 4242 4242')
    const provider: PaymentProvider = {
      ...deps.provider,
      perform: async () => ({ outcome: 'declined', code: 'try_later', hard: false, message: 'Later' }),
    }
    const { payment } = await heldBySandbox(held.id)
    const declined = await capturePayment({ ...deps, provider }, payment, 400n)
    expect(declined).toMatchObject({ status: 'authorized', failure: { code: 'try_later' } })
    const captured = readAnswer(paymentView, await moved('capture', held.id, { amount: 500 }))
    expect(captured).toMatchObject({ status: 'captured', captured: { amount: 500 } })
  })

  it('payments of another rail are left to it', async () => {
    const { deps } = world.service
    const held = await authorized('4242 4242 4242 4242')
    const { payment } = await heldBySandbox(held.id)
    const other = { ...deps, provider: { ...deps.provider, name: 'other' } }
    expect(await expireHolds(other, new Date(time + 30 * 86_400_000))).toBe(0)
    await expect(capturePayment(other, payment, undefined)).rejects.toMatchObject({ code: 'invalid_state' })
    expect((await heldBySandbox(held.id)).payment.status).toBe('authorized')
  })
})

it('the same key holds and refunds once', async () => {
  const body = { customer: await customerWith('4242 4242 4242 4242'), amount: 700 }
  const headers = { 'idempotency-key': 'the-same' }
  const first = await world.post('/v1/payments/authorize', key, body, headers)
  const again = await world.post('/v1/payments/authorize', key, body, headers)
  expect(again.text).toBe(first.text)
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  const { id } = readAnswer(paymentView, first, 201)
  await moved('capture', id)
  const twice = { 'idempotency-key': 'refund-once' }
  const refunds = [1, 2].map(() =>
    world.post('/v1/payments/refund', key, { payment: id, amount: 300 }, twice),
  )
  await Promise.all(refunds)
  const { json } = await world.call('GET', `/v1/payments/${id}`, { key })
  expect(json).toMatchObject({ refunded: { amount: 300 } })
})

it('a batch captures what can be captured and says what cannot', async () => {
  const good = await authorized('4242 4242 4242 4242')
  const bad = await authorized('4000 0000 0000 0002')
  const captures = [{ payment: good.id }, { payment: bad.id }, { payment: 'pay_01kqxq5t8r0000000000000000' }]
  const { json } = await world.post('/v1/payments/capture', key, { captures })
  expect(json).toMatchObject({
    data: [
      { status: 'done', payment: { status: 'captured' } },
      { status: 'refused', error: { code: 'invalid_state' } },
      { status: 'refused', error: { code: 'not_found' } },
    ],
  })
})

it('a refund may revoke the license that was paid for', async () => {
  const held = await authorized('4242 4242 4242 4242', { license: 'lic_paid' })
  await moved('capture', held.id)
  const { status } = await moved('refund', held.id, { revoke_license: true, reason: 'fraud' })
  expect(status).toBe(201)
  await until(() => (world.rights.revoked.includes('lic_paid') ? true : undefined))
  expect(world.rights.revoked).toContain('lic_paid')
})

it('the books show what was taken and given back', async () => {
  const answer = await world.call('GET', '/v1/ledger/trial-balance', { key })
  const [usd] = readAnswer(trialBalanceView, answer).currencies
  expect(usd).toMatchObject({ currency: 'USD', balanced: true })
})

it('another tenant sees no payment, and payments list by customer', async () => {
  const held = await authorized('4242 4242 4242 4242')
  const foreign = await world.keyOf({ tenant: 'acct_foreign' })
  expect((await world.call('GET', `/v1/payments/${held.id}`, { key: foreign })).status).toBe(404)
  expect((await world.post('/v1/payments/capture', foreign, { payment: held.id })).status).toBe(404)
  const mine = await world.call('GET', `/v1/payments?customer=${held.customer}`, { key })
  expect(readAnswer(listOf(paymentView), mine).data.map(({ id }) => id)).toEqual([held.id])
})
