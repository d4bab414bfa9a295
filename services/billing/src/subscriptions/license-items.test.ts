import { explanation, replayExplanation } from '@tallystick/pricing'
import type { LicensePricing } from '@tallystick/protocol'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import type { LicenseCharge } from '../links.ts'
import { quoteView } from '../prices/price-schemas.ts'
import { faultsOf, openMarket } from './subscription-world.ts'
import type { Market } from './subscription-world.ts'

let world: BillingWorld
let market: Market
let made = 0
const perToken: LicensePricing = { model: 'usage', metric: 'tokens', unit_price: '0.001' }
const monthly = (amount: number, seats?: number): LicensePricing => ({
  model: 'subscription',
  amount,
  interval: 'month',
  ...(seats !== undefined && { seats }),
})

beforeAll(async () => {
  world = await startBillingWorld()
})
afterAll(() => world.close())
afterEach(async () => {
  expect(await faultsOf(market)).toEqual([])
  for (const { lines } of await market.invoices())
    for (const { amount, explanation: text = '' } of lines)
      expect(replayExplanation(explanation.parse(JSON.parse(text)))).toBe(amount)
})

/** A customer that is the buyer of licenses. */
async function buyer(reference = `buyer_${made++}`) {
  const customer = await market.customer({ reference })
  const license = (pricing: LicensePricing, more: Partial<LicenseCharge> = {}): string => {
    const id = `lic_${String(made++).padStart(26, '0')}`
    const charge: LicenseCharge = { license: id, status: 'active', pricing, currency: 'USD', ...more }
    world.rights.charges.set(id, { ...charge, buyer: reference })
    return id
  }
  return { customer, license }
}

function end(id: string, status: LicenseCharge['status'], at: string, supersededBy?: string): void {
  const found = world.rights.charges.get(id)
  if (!found) throw new Error(`${id} is not there`)
  const next = supersededBy === undefined ? {} : { supersededBy }
  world.rights.charges.set(id, { ...found, status, endedAt: new Date(at), ...next })
}

const told = async () =>
  (await market.invoices()).map(({ lines }) =>
    lines.map(({ kind, license, quantity, amount }) => [kind, license, quantity, Number(amount)]),
  )

test('usage of a license is charged by its own pricing, and of that license alone', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const { customer, license } = await buyer()
  const [first, second, third] = [
    license(perToken),
    license({ ...perToken, unit_price: '2' }),
    license(perToken),
  ]
  const subscription = await market.subscribe({ customer, items: [{ license: first }, { license: second }] })
  expect(subscription.items.map(({ license: of, quantity }) => [of, quantity])).toEqual([
    [first, 1],
    [second, 1],
  ])
  expect(subscription.licenses).toEqual([first, second])
  await market.until('2026-01-12T00:00:00Z')
  await market.use(customer, '2026-01-10T10:20:00Z', '65000', { licenses: [first] })
  await market.use(customer, '2026-01-10T10:40:00Z', '3', { licenses: [first, second] })
  await market.use(customer, '2026-01-10T11:00:00Z', '900', { licenses: [third] })
  await market.use(customer, '2026-01-10T11:00:00Z', '900')
  await market.until('2026-02-02T00:00:00Z')
  await market.use(customer, '2026-01-31T23:59:59Z', '997', { licenses: [first] })
  await market.until('2026-03-02T00:00:00Z')
  expect(await told()).toEqual([
    [
      ['license', first, '65003', 6500],
      ['license', second, '3', 600],
    ],
    [
      ['late_usage_reversal', first, '65003', -6500],
      ['late_usage', first, '66000', 6600],
    ],
  ])
  const price = subscription.items[0]?.price
  const quote = await market.post(`/v1/prices/${price}/quote`, { quantity: '65000' })
  expect(readAnswer(quoteView, quote).total).toEqual({ amount: 6500, currency: 'USD' })
  // One meter was made for both, and only licenses are subscribed to by such prices.
  const { json } = await world.call('GET', '/v1/meters', { key: market.key })
  expect(json).toMatchObject({ data: [{ name: 'license.tokens', aggregation: 'sum' }] })
  const named = await market.post('/v1/subscriptions', { customer, items: [{ price }] })
  expect(problemOf(named).errors?.[0]?.message).toContain(`name ${first} in its place`)
  expect((await market.post('/v1/plans', { name: 'Plan', prices: [price] })).status).toBe(422)
  const threshold = { customer, kind: 'alert', prices: [price], amount: { amount: 5, currency: 'USD' } }
  expect((await market.post('/v1/usage-alerts', threshold)).status).toBe(400)
})

test('a license by the period is charged ahead by the seat, single amounts with the first invoice', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const { customer, license } = await buyer()
  const [flat, seats] = [license(monthly(5000)), license(monthly(1250, 3))]
  const items = license({ model: 'per_item', unit_price: '0.0155' }, { items: 10_000 })
  const upfront = license({ model: 'upfront_royalty', amount: 9900, rate: '0.05' })
  const all = [flat, seats, items, upfront].map((one) => ({ license: one }))
  const { id } = await market.subscribe({ customer, items: all, trial_days: 5 })
  expect(await told()).toEqual([])
  await market.until('2026-02-07T00:00:00Z')
  expect(await told()).toEqual([
    [
      ['license', flat, '1', 5000],
      ['license', seats, '3', 3750],
      ['license', items, '10000', 15_500],
      ['license', upfront, '1', 9900],
    ],
    [
      ['license', flat, '1', 5000],
      ['license', seats, '3', 3750],
    ],
  ])
  // What is left out is not charged again when it comes back, nor by another subscription.
  await market.act(id, 'change', { items: [{ license: flat }], when: 'now' })
  const back = await market.post(`/v1/subscriptions/${id}/change`, { items: all })
  expect(problemOf(back).errors?.[0]).toMatchObject({ pointer: '/items/2/license' })
  await market.act(id, 'cancel', { when: 'now' })
  const again = await market.post('/v1/subscriptions', { customer, items: [{ license: upfront }] })
  expect(problemOf(again).errors?.[0]?.message).toContain(`was charged by ${id}`)
  const added = await market.subscribe({ customer, items: [{ license: flat }] })
  const other = license({ model: 'upfront_royalty', amount: 700, rate: '0.05' })
  await market.act(added.id, 'change', { items: [{ license: flat }, { license: other }] })
  await market.until('2026-03-08T00:00:00Z')
  expect((await told()).at(-1)).toEqual([
    ['license', other, '1', 700],
    ['license', flat, '1', 5000],
  ])
})

test('no license is charged that is not the customer’s, not active, or charged already; of two at once, one is', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const { customer, license } = await buyer()
  const refusalOf = async (of: string, more: object = {}) => {
    const answer = await market.post('/v1/subscriptions', { customer, items: [{ license: of, ...more }] })
    const { code, errors } = problemOf(answer)
    return [code, errors?.[0]?.pointer, errors?.[0]?.message]
  }
  const foreign = (await buyer()).license(perToken)
  const cases: [string, string, string][] = [
    [foreign, 'reference_not_found', 'of which the customer is the buyer'],
    ['lic_99999999999999999999999999', 'reference_not_found', 'of which the customer is the buyer'],
    [license(perToken, { status: 'offered' }), 'validation_failed', 'is offered'],
    [license(perToken, { currency: 'EUR' }), 'validation_failed', 'is in EUR'],
    [license(perToken, { effectiveUntil: new Date('2026-01-01') }), 'validation_failed', 'is over'],
    [license({ model: 'royalty', rate: '0.05' }), 'validation_failed', 'paid by royalty'],
    [license({ model: 'per_item', unit_price: '1' }), 'validation_failed', 'not registered'],
  ]
  for (const [of, code, message] of cases)
    expect(await refusalOf(of)).toEqual([code, '/items/0/license', expect.stringContaining(message)])
  expect(await refusalOf(foreign, { quantity: 2 })).toEqual([
    'validation_failed',
    '/items/0/quantity',
    expect.anything(),
  ])
  const wanted = license(perToken)
  const twice = [{ license: wanted }, { license: wanted }]
  expect((await market.post('/v1/subscriptions', { customer, items: twice })).status).toBe(400)
  const yearly = license({ model: 'subscription', amount: 1, interval: 'year' })
  const mixed = [{ license: yearly }, { license: license(monthly(5)) }]
  expect((await market.post('/v1/subscriptions', { customer, items: mixed })).status).toBe(400)
  const body = { customer, items: [{ license: wanted }] }
  const raced = await Promise.all([1, 2, 3].map(() => market.post('/v1/subscriptions', body)))
  expect(raced.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 400, 400])
  expect((await refusalOf(wanted))[2]).toContain('already: end that first')
  const winner = raced.find(({ status }) => status === 201)
  const { id } = z.looseObject({ id: z.string() }).parse(winner?.json)
  await market.act(id, 'cancel', { when: 'now' })
  expect((await market.subscribe(body)).status).toBe('active')
})

test('a license that ends is charged up to its end, and a subscription of such licenses ends with them', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const { customer, license } = await buyer()
  const [used, paid] = [license(perToken), license(monthly(3100))]
  const { id } = await market.subscribe({ customer, items: [{ license: used }, { license: paid }] })
  await market.until('2026-01-12T00:00:00Z')
  await market.use(customer, '2026-01-10T00:00:00Z', '5000', { licenses: [used] })
  end(used, 'revoked', '2026-01-20T00:00:00Z')
  await market.until('2026-02-02T00:00:00Z')
  end(paid, 'terminated', '2026-02-15T00:00:00Z')
  await market.until('2026-04-02T00:00:00Z')
  expect(await told()).toEqual([
    [['license', paid, '1', 3100]],
    [
      ['license', used, '5000', 500],
      ['license', paid, '1', 3100],
    ],
    [['proration', paid, '1', -1550]],
  ])
  expect(await market.read(id)).toMatchObject({ status: 'canceled', canceled_at: '2026-03-01T00:00:00.000Z' })
})

test('an amended license is followed by the new one from its beginning, whoever closes the period', async () => {
  market = await openMarket(world, '2026-04-01T00:00:00Z')
  const reference = `acct_buyer_${made}`
  const { customer, license } = await buyer(reference)
  const [used, paid] = [license(perToken), license(monthly(3000))]
  const { id } = await market.subscribe({ customer, items: [{ license: used }, { license: paid }] })
  const [next, last] = [license({ ...perToken, unit_price: '0.01' }), license(monthly(6000))]
  await market.until('2026-04-21T00:00:00Z')
  await market.use(customer, '2026-04-10T00:00:00Z', '5000', { licenses: [used] })
  end(used, 'superseded', '2026-04-16T00:00:00Z', next)
  end(paid, 'superseded', '2026-04-16T00:00:00Z', last)
  await market.use(customer, '2026-04-20T00:00:00Z', '5000', { licenses: [next] })
  await market.until('2026-05-02T00:00:00Z')
  const after = await market.read(id)
  expect(after.items.map((item) => item.license)).toEqual([next, last])
  // Then to one that no subscription charges, and canceled in between.
  end(last, 'superseded', '2026-05-11T00:00:00Z', license({ model: 'royalty', rate: '0.1' }))
  await market.until('2026-05-21T00:00:00Z')
  const developer = await world.keyOf({ tenant: market.tenant, account: reference, role: 'developer' })
  const own = await world.post(`/v1/subscriptions/${id}/cancel`, developer, {})
  expect(problemOf(own).code).toBe('forbidden')
  await market.act(id, 'cancel', { when: 'now' })
  expect(await told()).toEqual([
    [['license', paid, '1', 3000]],
    [
      ['license', used, '5000', 500],
      ['license', next, '5000', 5000],
      ['proration', paid, '1', -1500],
      ['proration', last, '1', 3000],
      ['license', last, '1', 6000],
    ],
    [['proration', last, '1', -4065]],
  ])
})

test('while licensing does not answer, only what charges licenses waits', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const { customer, license } = await buyer()
  const paid = license(monthly(3100))
  const { id } = await market.subscribe({ customer, items: [{ license: paid }] })
  const plain = await market.subscribe({
    customer: (await buyer()).customer,
    items: [{ price: await market.price({ model: 'flat', currency: 'USD', amount: 5 }) }],
  })
  const known = world.rights.charges.get(paid)
  world.rights.charges.delete(paid)
  await market.until('2026-02-01T00:01:00Z')
  expect((await market.read(plain.id)).billing_failure).toBeUndefined()
  expect((await market.read(id)).billing_failure).toMatchObject({ attempts: 1 })
  if (known) world.rights.charges.set(paid, known)
  await market.until('2026-02-01T01:00:00Z')
  expect((await market.read(id)).billing_failure).toBeUndefined()
})
