import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { invoiceView } from '../invoices/invoice-schemas.ts'
import { faultsOf, openMarket } from './subscription-world.ts'
import type { Market } from './subscription-world.ts'

let world: BillingWorld
let market: Market
const declines = '4000 0000 0000 0002'
const good = '4242 4242 4242 4242'
const flat = { model: 'flat', currency: 'USD', amount: 3000, recurring: { interval: 'month' } } as const
const perToken = { model: 'per_unit', currency: 'USD', unit_amount: '0.001' } as const
const made = z.looseObject({ id: z.string() })

beforeAll(async () => {
  world = await startBillingWorld()
})
afterAll(() => world.close())
afterEach(async () => expect(await faultsOf(market)).toEqual([]))

/** The events of a subscription once they are recorded, in their order. */
async function kindsOf(id: string, count: number): Promise<string[]> {
  return until(() => {
    const told = world.recorded(market.tenant).filter(({ data }) => data?.['subscription'] === id)
    const kinds = told.map(({ kind }) => kind).filter((kind) => kind.startsWith('subscription.'))
    return kinds.length >= count ? kinds : undefined
  })
}

const pay = async (id: string | undefined) =>
  readAnswer(invoiceView, await market.post(`/v1/invoices/${id}/pay`, {}))
const statusOf = async (id: string) => (await market.read(id)).status
const idsOf = async (status: string) => {
  const { json } = await world.call('GET', `/v1/subscriptions?status=${status}`, { key: market.key })
  return z
    .looseObject({ data: z.array(made) })
    .parse(json)
    .data.map(({ id }) => id)
}

test('it is past due from the first failure, suspended when grace ends, and active again when it is paid', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const customer = await market.customer({ payment_method: declines })
  const { id, status } = await market.subscribe({
    customer,
    plan: await market.plan([await market.price(flat)]),
  })
  expect(status).toBe('active')
  await market.until('2026-01-01T00:00:01Z')
  expect(await market.read(id)).toMatchObject({
    status: 'past_due',
    past_due_since: '2026-01-01T00:00:00.000Z',
  })
  expect(await idsOf('past_due')).toEqual([id])
  expect(await idsOf('active')).toEqual([])
  await market.until('2026-01-17T23:59:59Z')
  expect(await statusOf(id)).toBe('past_due')
  await market.until('2026-01-18T00:00:00Z')
  expect(await market.read(id)).toMatchObject({
    status: 'suspended',
    suspended_at: '2026-01-18T00:00:00.000Z',
  })
  await market.post(`/v1/customers/${customer}`, { payment_method: good })
  const [first] = await market.invoices()
  expect((await pay(first?.id)).status).toBe('paid')
  const paid = await market.read(id)
  expect(paid).toMatchObject({ status: 'active' })
  expect(paid).not.toHaveProperty('past_due_since')
  expect(paid).not.toHaveProperty('suspended_at')
  await market.until('2026-03-02T00:00:00Z')
  expect((await market.invoices()).map(({ status: of }) => of)).toEqual(['paid', 'paid', 'paid'])
  expect(await kindsOf(id, 6)).toEqual([
    'subscription.created',
    'subscription.past_due',
    'subscription.suspended',
    'subscription.reactivated',
    'subscription.renewed',
    'subscription.renewed',
  ])
})

test('suspended to the end of its period it ends: usage is charged, and nothing ahead', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const customer = await market.customer({ payment_method: declines })
  const prices = [await market.price(flat), await market.price(perToken, await market.meter())]
  const { id } = await market.subscribe({ customer, plan: await market.plan(prices) })
  await market.until('2026-01-10T00:00:00Z')
  await market.use(customer, '2026-01-09T00:00:00Z', '5000')
  await market.until('2026-02-01T00:00:00Z')
  const ended = await market.read(id)
  expect(ended).toMatchObject({ status: 'canceled', canceled_at: '2026-02-01T00:00:00.000Z' })
  const [, last, ...more] = await market.invoices()
  expect(more).toEqual([])
  expect(last?.lines.map(({ kind, amount }) => [kind, amount])).toEqual([['price', 500n]])
  const kinds = await kindsOf(id, 4)
  expect(kinds).toEqual([
    'subscription.created',
    'subscription.past_due',
    'subscription.suspended',
    'subscription.canceled',
  ])
  const reasons = world.recorded(market.tenant).flatMap(({ data }) => data?.['reason'] ?? [])
  expect(reasons).toEqual(['unpaid'])
  // Money that comes after all brings nothing back that has ended.
  await market.post(`/v1/customers/${customer}`, { payment_method: good })
  for (const { id: invoice } of await market.invoices()) await pay(invoice)
  expect(await statusOf(id)).toBe('canceled')
})

test('it is past due while one of its invoices is, whatever else the customer owes, and also when it was paused', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const customer = await market.customer({ payment_method: declines })
  const { id } = await market.subscribe({ customer, plan: await market.plan([await market.price(flat)]) })
  const { id: other } = await market.subscribe({
    customer,
    plan: await market.plan([await market.price({ ...flat, amount: 0 })]),
  })
  await market.until('2026-01-02T00:00:00Z')
  expect(await market.act(id, 'pause')).toMatchObject({ status: 'paused' })
  // The credit of the pause is used up by work that is not paid either.
  const lines = [{ description: 'Work', amount: 5000 }]
  const work = readAnswer(made, await market.post('/v1/invoices', { customer, lines }), 201)
  await market.post(`/v1/invoices/${work.id}/finalize`, {})
  await market.until('2026-01-04T00:00:00Z')
  expect(await market.act(id, 'resume')).toMatchObject({ status: 'past_due' })
  await market.until('2026-01-05T00:00:00Z')
  const unpaid = (await market.invoices()).filter(({ status }) => status === 'past_due')
  expect(unpaid.map(({ subscription }) => subscription)).toEqual([id, undefined, id])
  await market.post(`/v1/customers/${customer}`, { payment_method: good })
  await pay(unpaid[0]?.id)
  expect(await statusOf(id)).toBe('past_due')
  await pay(unpaid[2]?.id)
  expect(await statusOf(id)).toBe('active')
  expect(await statusOf(other)).toBe('active')
})

test('paused while its grace ends, it is resumed once it is paid', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const customer = await market.customer({ payment_method: declines })
  const { id } = await market.subscribe({ customer, plan: await market.plan([await market.price(flat)]) })
  await market.until('2026-01-02T00:00:00Z')
  await market.act(id, 'pause')
  await market.until('2026-01-20T00:00:00Z')
  expect(await market.read(id)).toMatchObject({ status: 'paused', suspended_at: '2026-01-18T00:00:00.000Z' })
  expect(problemOf(await market.post(`/v1/subscriptions/${id}/resume`, {})).code).toBe('invalid_state')
  await market.post(`/v1/customers/${customer}`, { payment_method: good })
  await pay((await market.invoices())[0]?.id)
  expect(await statusOf(id)).toBe('paused')
  expect(await market.act(id, 'resume')).toMatchObject({ status: 'active' })
})

test('given up or voided, an invoice keeps its subscription past due no longer', async () => {
  for (const deed of ['mark-uncollectible', 'void']) {
    market = await openMarket(world, '2026-01-01T00:00:00Z')
    const customer = await market.customer({ payment_method: declines })
    const { id } = await market.subscribe({ customer, plan: await market.plan([await market.price(flat)]) })
    await market.until('2026-01-02T00:00:00Z')
    expect(await statusOf(id)).toBe('past_due')
    const [invoice] = await market.invoices()
    const answer = await market.post(`/v1/invoices/${invoice?.id}/${deed}`, {})
    expect(answer.status, answer.text).toBe(200)
    expect(await statusOf(id)).toBe('active')
  }
})

test('a period that cannot be charged says why, holds up nothing else, and is closed once it can', async () => {
  market = await openMarket(world, '2026-01-01T00:00:00Z')
  const [customer, neighbor] = [await market.customer(), await market.customer()]
  const meter = await market.meter({ group_by: ['dimensions.country'] })
  const row = { match: { country: 'DE' }, charge: { model: 'per_unit', unit_amount: '0.01' } } as const
  const german = { model: 'matrix', currency: 'USD', dimensions: ['country'], rows: [row] } as const
  const price = await market.price({ ...german, rows: [row], dimensions: ['country'] }, meter)
  const { id } = await market.subscribe({ customer, items: [{ price }] })
  const { id: beside } = await market.subscribe({ customer: neighbor, items: [{ price }] })
  await market.until('2026-01-10T00:00:00Z')
  await market.use(customer, '2026-01-05T00:00:00Z', '100', { dimensions: { country: 'DE' } })
  await market.use(neighbor, '2026-01-05T00:00:00Z', '200', { dimensions: { country: 'DE' } })
  await market.use(customer, '2026-01-06T00:00:00Z', '100', {
    dimensions: { country: 'FR' },
    event_id: 'french',
  })
  await market.until('2026-02-01T00:10:00Z')
  expect((await market.read(beside)).period?.start).toBe('2026-02-01T00:00:00.000Z')
  const stuck = await market.read(id)
  expect(stuck.billing_failure).toEqual({
    code: 'no_price_for_dimensions',
    message: 'no row of the price covers country=FR',
    since: '2026-02-01T00:00:00.000Z',
    attempts: 2,
    retry_at: '2026-02-01T00:15:00.000Z',
  })
  const problem = problemOf(await market.post(`/v1/subscriptions/${id}/cancel`, {}))
  expect(problem).toMatchObject({ code: 'invalid_state' })
  expect(problem.detail).toContain('no row of the price covers country=FR')
  // What asks in between makes nothing later.
  expect((await market.read(id)).billing_failure).toEqual(stuck.billing_failure)
  await market.post('/v1/usage-reports/french/deprecate', { reason: 'not sold there' })
  // Whoever asks for something does not wait for the next try.
  expect((await market.act(id, 'cancel')).cancel_at).toBe('2026-03-01T00:00:00.000Z')
  const fine = await market.read(id)
  expect(fine.billing_failure).toBeUndefined()
  expect(fine.period?.start).toBe('2026-02-01T00:00:00.000Z')
  const charged = (await market.invoices()).map(({ subscription, total }) => [subscription, total])
  expect(charged).toEqual([
    [beside, 200n],
    [id, 100n],
  ])
  const kinds = await kindsOf(id, 4)
  expect(kinds).toEqual([
    'subscription.created',
    'subscription.billing_failed',
    'subscription.renewed',
    'subscription.updated',
  ])
})
