import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { planView, priceView, quoteView } from './price-schemas.ts'

let world: BillingWorld
let key: string

beforeAll(async () => {
  world = await startBillingWorld()
  key = await world.keyOf({ tenant: 'acct_prices' })
})
afterAll(() => world.close())

async function priced(definition: object) {
  return readAnswer(priceView, await world.post('/v1/prices', key, { name: 'p', definition }), 201)
}

test('a quote answers lines and total, and touches nothing', async () => {
  const tiers = [
    { up_to: '10000', unit_amount: '0.002' },
    { up_to: '50000', unit_amount: '0.001' },
    { up_to: 'inf', unit_amount: '0.0005' },
  ]
  const { id } = await priced({ model: 'graduated', currency: 'USD', tiers })
  const quote = readAnswer(
    quoteView,
    await world.call('POST', `/v1/prices/${id}/quote`, { key, body: { quantity: '65000' } }),
  )
  // 10,000 × 0.002 + 40,000 × 0.001 + 15,000 × 0.0005 = 67.50
  expect(quote.total).toEqual({ amount: 6750, currency: 'USD' })
  expect(quote.lines).toHaveLength(1)
  expect(quote.lines[0]?.explanation.steps.length).toBeGreaterThan(2)
  expect(world.recorded('acct_prices').filter(({ kind }) => kind !== 'price.created')).toEqual([])
})

test('a definition that cannot be is refused with a pointer', async () => {
  const definition = { model: 'graduated', currency: 'USD', tiers: [{ up_to: '10', unit_amount: '1' }] }
  const problem = problemOf(await world.post('/v1/prices', key, { name: 'p', definition }))
  expect(problem.status).toBe(400)
  expect(problem.errors?.[0]?.pointer).toContain('/definition/tiers')
})

test('a quote takes one form of usage, and a share needs amounts', async () => {
  const { id } = await priced({ model: 'percentage', currency: 'USD', rate: '0.05' })
  const quote = (body: object) => world.call('POST', `/v1/prices/${id}/quote`, { key, body })
  expect(problemOf(await quote({})).status).toBe(400)
  expect(problemOf(await quote({ quantity: '1', events: [{ amount: '1' }] })).status).toBe(400)
  expect(problemOf(await quote({ events: [{}] })).status).toBe(400)
  expect(readAnswer(quoteView, await quote({ events: [{ amount: '10.00' }] })).total.amount).toBe(50)
})

test('a plan takes prices of its own tenant and currency that are active', async () => {
  const usd = await priced({ model: 'flat', currency: 'USD', amount: 100 })
  const eur = await priced({ model: 'flat', currency: 'EUR', amount: 100 })
  const plan = await world.post('/v1/plans', key, { name: 'Standard', prices: [usd.id] })
  expect(readAnswer(planView, plan, 201)).toMatchObject({ prices: [usd.id], interval: 'month' })
  const mixed = problemOf(await world.post('/v1/plans', key, { name: 'Mixed', prices: [usd.id, eur.id] }))
  expect(mixed).toMatchObject({ code: 'reference_not_found', errors: [{ pointer: '/prices/1' }] })
  const foreign = await world.keyOf({ tenant: 'acct_foreign' })
  expect(problemOf(await world.post('/v1/plans', foreign, { name: 'x', prices: [usd.id] })).status).toBe(422)
  expect((await world.call('GET', `/v1/prices/${usd.id}`, { key: foreign })).status).toBe(404)
  await world.post(`/v1/prices/${usd.id}/archive`, key, {})
  expect(problemOf(await world.post('/v1/plans', key, { name: 'Late', prices: [usd.id] })).status).toBe(422)
})
