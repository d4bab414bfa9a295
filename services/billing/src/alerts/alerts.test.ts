import { readdirSync } from 'node:fs'
import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { priceView } from '../prices/price-schemas.ts'
import { openMarket } from '../subscriptions/subscription-world.ts'
import { meterView } from '../usage/meter-schemas.ts'
import { reportView } from '../usage/usage-schemas.ts'
import { alertView } from './alert-schemas.ts'

const start = Date.parse('2026-03-10T12:34:56.789Z')
let world: BillingWorld
let key: string
let meter: string
let next = 0

beforeAll(async () => {
  world = await startBillingWorld({ entropy: { now: () => new Date(start) } })
  key = await world.keyOf({ tenant: 'acct_a' })
  const body = { name: 'tokens', metric: 'tokens', aggregation: 'sum' }
  meter = readAnswer(meterView, await world.post('/v1/meters', key, body), 201).id
})
afterAll(() => world.close())

async function customerWith(alert: object, email?: string): Promise<{ customer: string; alert: string }> {
  const customer = `dev_${next++}`
  await world.post('/v1/customers', key, { reference: customer, ...(email !== undefined && { email }) })
  return { customer, alert: await alertOf(customer, alert) }
}
const alertOf = async (customer: string, alert: object) =>
  readAnswer(alertView, await world.post('/v1/usage-alerts', key, { customer, ...alert }), 201).id
const event = (customer: string, quantity: string, more: object = {}) => ({
  event_id: `e${next++}`,
  customer,
  metric: 'tokens',
  quantity,
  purpose: 'train',
  ...more,
})
const send = (body: unknown) => world.call('POST', '/v1/usage-reports', { key, body })
const statuses = async (events: object[]) =>
  readAnswer(reportView, await send({ events }), 201).data.map(({ status }) => status)
const current = async (alert: string) =>
  readAnswer(alertView, await world.call('GET', `/v1/usage-alerts/${alert}`, { key })).current
const fired = (alert: string) =>
  world
    .recorded('acct_a')
    .filter(({ kind, data }) => kind === 'usage.threshold_crossed' && data?.['alert'] === alert)

test('an alert tells once in a period that its threshold was reached, and writes a letter', async () => {
  const { customer, alert } = await customerWith({ meter, quantity: '10' }, 'a@example.com')
  await send(event(customer, '9.999999999999'))
  expect(await current(alert)).toMatchObject({ figure: '9.999999999999' })
  await send(event(customer, '0.000000000001'))
  await send(event(customer, '5'))
  await send(event(customer, '50', { occurred_at: '2026-02-20T00:00:00Z' }))
  await until(() => (fired(alert).length >= 2 ? true : undefined))
  expect(fired(alert).map(({ data }) => data?.['figure'])).toEqual(['10', '50'])
  const now = await current(alert)
  expect(now).toMatchObject({ figure: '15', reached_at: new Date(start).toISOString() })
  await until(() =>
    readdirSync(world.mail).filter((file) => file.endsWith('.eml')).length >= 2 ? true : undefined,
  )
})

test('a cap refuses what would pass it, names itself, and lets smaller events through', async () => {
  const { customer, alert } = await customerWith({ kind: 'cap', meter, quantity: '10' })
  expect(
    await statuses([event(customer, '6'), event(customer, '5'), event(customer, '4'), event(customer, '1')]),
  ).toEqual(['accepted', 'refused', 'accepted', 'refused'])
  const twice = event(customer, '2')
  expect(await statuses([twice, twice])).toEqual(['refused', 'refused'])
  const again = event(customer, '1')
  const problem = problemOf(await send(again))
  expect(problem).toMatchObject({ status: 429, code: 'usage_cap_reached' })
  expect(problem.detail).toContain(alert)
  await until(() => (fired(alert).length === 1 ? true : undefined))
  expect((await world.call('GET', `/v1/usage-reports/${again.event_id}`, { key })).status).toBe(404)
  await world.post(`/v1/usage-alerts/${alert}/archive`, key, {})
  expect((await send(again)).status).toBe(201)
})

test('a refusal alone is news of a cap, told once', async () => {
  const { customer, alert } = await customerWith({ kind: 'cap', meter, quantity: '10' })
  for (let turn = 0; turn < 3; turn++) expect((await send(event(customer, '11'))).status).toBe(429)
  await until(() => (fired(alert).length > 0 ? true : undefined))
  expect(fired(alert)).toHaveLength(1)
})

test('a cap holds exactly when many report at once', async () => {
  const { customer, alert } = await customerWith({ kind: 'cap', meter, quantity: '100' })
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => statuses(Array.from({ length: 10 }, () => event(customer, '1.5')))),
  )
  expect(answers.flat().filter((status) => status === 'accepted')).toHaveLength(66)
  expect(await current(alert)).toMatchObject({ figure: '99' })
})

test('usage of before an alert counts, and corrections move it without being refused', async () => {
  const customer = `dev_${next++}`
  await world.post('/v1/customers', key, { reference: customer })
  const first = event(customer, '8')
  await send(first)
  const alert = await alertOf(customer, { kind: 'cap', meter, quantity: '10' })
  expect(await statuses([event(customer, '3'), event(customer, '1')])).toEqual(['refused', 'accepted'])
  await world.post(`/v1/usage-reports/${first.event_id}/adjust`, key, { quantity: '20', reason: 'more' })
  expect(await current(alert)).toMatchObject({ figure: '21' })
  await world.post(`/v1/usage-reports/${first.event_id}/deprecate`, key, { reason: 'none' })
  expect(await current(alert)).toMatchObject({ figure: '1' })
  expect(await statuses([event(customer, '9')])).toEqual(['accepted'])
})

test('a spending cap counts what the prices charge', async () => {
  const definition = { model: 'per_unit', currency: 'USD', unit_amount: '0.5' }
  const made = await world.post('/v1/prices', key, { name: 'Tokens', meter, definition })
  const price = readAnswer(priceView, made, 201).id
  const amount = { amount: 1000, currency: 'USD' }
  const { customer, alert } = await customerWith({ kind: 'cap', prices: [price], amount })
  expect(await statuses([event(customer, '19'), event(customer, '1.02'), event(customer, '1')])).toEqual([
    'accepted',
    'refused',
    'accepted',
  ])
  expect(await current(alert)).toMatchObject({ figure: '10.00 USD' })
})

test('late usage is held against the period that it occurred in, also where the interval has changed since', async () => {
  const market = await openMarket(world, '2026-01-01T00:00:00Z')
  const planOf = async (interval: 'month' | 'year') => {
    const recurring = { interval, interval_count: 1 }
    return market.plan([await market.price({ model: 'flat', currency: 'USD', amount: 1000, recurring })], {
      interval,
    })
  }
  const customer = await market.customer()
  const { id: subscription } = await market.subscribe({ customer, plan: await planOf('month') })
  const body = { customer, kind: 'cap', meter: await market.meter(), quantity: '10', period: 'subscription' }
  expect((await market.post('/v1/usage-alerts', { ...body, subscription })).status).toBe(201)
  for (const month of ['01', '02', '03']) {
    await market.use(customer, `2026-${month}-01T00:00:00Z`, '9')
    if (month === '03')
      await market.act(subscription, 'change', { plan: await planOf('year'), when: 'period_end' })
    await market.until(`2026-0${Number(month) + 1}-01T00:00:00Z`)
  }
  expect((await market.read(subscription)).interval).toBe('year')
  await market.use(customer, '2026-04-01T00:00:00Z', '9')
  for (const at of ['2026-03-31T00:00:00Z', '2026-04-01T00:00:00Z']) {
    await expect(market.use(customer, at, '2')).rejects.toThrow('usage_cap_reached')
    await market.use(customer, at, '1')
  }
  await market.until('2026-05-02T00:00:00Z')
  await expect(market.use(customer, '2026-05-01T00:00:00Z', '1')).rejects.toThrow('usage_cap_reached')
})

test("a cap is an operator's; thresholds that make no sense are refused with a pointer", async () => {
  await world.post('/v1/customers', key, { reference: 'acct_dev' })
  const own = await world.keyOf({ tenant: 'acct_a', role: 'developer', account: 'acct_dev' })
  const cap = { customer: 'acct_dev', kind: 'cap', meter, quantity: '1' }
  expect((await world.post('/v1/usage-alerts', own, cap)).status).toBe(403)
  expect((await world.post('/v1/usage-alerts', own, { ...cap, kind: 'alert' })).status).toBe(201)
  const max = { name: 'max', metric: 'tokens', aggregation: 'max' }
  await world.post('/v1/meters', key, max)
  const bad: [object, string][] = [
    [{ meter }, '/quantity'],
    [{ meter: 'nothing', quantity: '1' }, '/meter'],
    [{ meter: 'max', quantity: '1' }, '/meter'],
    [{ prices: ['price_01kqxq5t8r0000000000000000'], amount: { amount: 1, currency: 'USD' } }, '/prices/0'],
    [{ meter, quantity: '1', period: 'subscription' }, '/subscription'],
    [{}, '/meter'],
  ]
  for (const [body, pointer] of bad) {
    const problem = problemOf(await world.post('/v1/usage-alerts', key, { customer: 'acct_dev', ...body }))
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  }
})
