import type { PriceInput } from '@tallystick/pricing'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { replace } from '@tallystick/storage'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { creditGrants } from '../credits/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { payments } from '../payments/collections.ts'
import { faultsOf, openMarket } from '../subscriptions/subscription-world.ts'
import type { Market } from '../subscriptions/subscription-world.ts'
import { resumeClocks } from './advance-clock.ts'
import { testClocks } from './collections.ts'

let world: BillingWorld
let markets: Market[] = []

beforeAll(async () => {
  world = await startBillingWorld()
})
afterAll(() => world.close())
afterEach(async () => {
  for (const market of markets) expect(await faultsOf(market)).toEqual([])
  markets = []
})

async function open(now: string): Promise<Market> {
  const market = await openMarket(world, now)
  markets.push(market)
  return market
}

/** An invoice without what names this one: ids and the moment at which the test ran. */
function withoutIds({ number, status, lines, total, amountDue, amountPaid, period, ...rest }: StoredInvoice) {
  const { finalizedAt, dueAt, paidAt, creditsApplied } = rest
  const told = lines.map((line) => ({ ...line, price: '' }))
  return {
    number,
    status,
    told,
    total,
    amountDue,
    amountPaid,
    period,
    finalizedAt,
    dueAt,
    paidAt,
    creditsApplied,
  }
}

/** A year of a customer: a trial, usage, an upgrade, credit that expires, late usage, a pause. */
async function aYear(market: Market): Promise<unknown[]> {
  const customer = await market.customer({ time_zone: 'America/New_York' })
  const meter = await market.meter()
  const tokens = await market.price(
    {
      model: 'graduated',
      currency: 'USD',
      tiers: [
        { up_to: '1000', unit_amount: '0.01' },
        { up_to: 'inf', unit_amount: '0.005' },
      ],
    },
    meter,
  )
  const base = await market.price({ model: 'flat', currency: 'USD', amount: 2500 })
  const more = await market.price({ model: 'flat', currency: 'USD', amount: 9900 })
  const credit = { customer, amount: 1500, name: 'Welcome', expires_at: '2026-06-30T00:00:00Z' }
  const granted = await market.post('/v1/credit-grants', { ...credit, paid: false })
  const { id } = await market.subscribe({
    customer,
    items: [{ price: base }, { price: tokens }],
    trial_days: 10,
  })
  await market.until('2026-03-08T12:00:00Z')
  await market.use(customer, '2026-03-01T10:20:00Z', '1500')
  await market.until('2026-04-10T00:00:00Z')
  await market.use(customer, '2026-03-20T03:10:00Z', '700')
  await market.act(id, 'change', { items: [{ price: more }, { price: tokens }] })
  await market.until('2026-08-20T00:00:00Z')
  await market.act(id, 'pause')
  await market.until('2026-10-03T00:00:00Z')
  await market.act(id, 'resume')
  await market.until('2027-01-15T00:00:00Z')
  return [granted.status, ...(await market.invoices()).map(withoutIds)]
}

test('a sequence that is replayed gives the same invoices', async () => {
  const first = await aYear(await open('2026-01-21T15:00:00Z'))
  const second = await aYear(await open('2026-01-21T15:00:00Z'))
  expect(first.length).toBeGreaterThan(12)
  expect(second).toEqual(first)
})

test('a year at once is the same as a year day by day', async () => {
  const subscribeIn = async (market: Market) => {
    const customer = await market.customer()
    await market.subscribe({
      customer,
      items: [{ price: await market.price({ model: 'flat', currency: 'USD', amount: 700 }) }],
    })
  }
  const atOnce = await open('2026-01-31T00:00:00Z')
  await subscribeIn(atOnce)
  await atOnce.until('2027-01-31T00:00:00Z')
  const byDay = await open('2026-01-31T00:00:00Z')
  await subscribeIn(byDay)
  for (let day = 5; day <= 365; day += 5) {
    await byDay.until(new Date(Date.UTC(2026, 0, 31 + day)).toISOString())
  }
  const found = (await atOnce.invoices()).map(withoutIds)
  expect(found).toHaveLength(13)
  expect((await byDay.invoices()).map(withoutIds)).toEqual(found)
})

test('late usage is corrected again and again, each time from the last correction', async () => {
  const market = await open('2026-05-01T00:00:00Z')
  const customer = await market.customer()
  const volume: PriceInput = {
    model: 'volume',
    currency: 'USD',
    tiers: [
      { up_to: '100', unit_amount: '1' },
      { up_to: 'inf', unit_amount: '0.5' },
    ],
  }
  const plan = await market.plan([await market.price(volume, await market.meter())])
  await market.subscribe({ customer, plan })
  await market.use(customer, '2026-05-01T00:00:00Z', '90')
  await market.until('2026-06-02T00:00:00Z')
  await market.use(customer, '2026-05-20T11:11:11Z', '5')
  const issued = await market.invoices()
  await market.until('2026-07-02T00:00:00Z')
  expect((await market.invoices())[0]).toEqual(issued[0])
  // The window for May is over by July; a correction of what was reported is not.
  await market.use(customer, '2026-06-15T00:00:00Z', '100')
  await market.until('2026-08-02T00:00:00Z')
  await market.use(customer, '2026-06-29T00:30:00Z', '50')
  await market.until('2026-09-02T00:00:00Z')
  const amounts = (await market.invoices()).map(({ lines }) =>
    lines.map(({ kind, amount, quantity }) => [kind, Number(amount), quantity]),
  )
  expect(amounts).toEqual([
    [['price', 9000, '90']],
    [
      ['late_usage_reversal', -9000, '90'],
      ['late_usage', 9500, '95'],
    ],
    [['late_usage', 10_000, '100']],
    [
      ['late_usage_reversal', -10_000, '100'],
      ['late_usage', 7500, '150'],
    ],
  ])
})

test('a maximum is charged of the whole period', async () => {
  const market = await open('2026-05-01T00:00:00Z')
  const customer = await market.customer()
  const meter = await market.meter({ aggregation: 'max' })
  const plan = await market.plan([
    await market.price({ model: 'per_unit', currency: 'USD', unit_amount: '2' }, meter),
  ])
  await market.subscribe({ customer, plan })
  for (const [day, quantity] of [
    ['01', '4'],
    ['02', '9'],
    ['03', '7'],
  ]) {
    await market.until(`2026-05-${day}T06:00:00Z`)
    await market.use(customer, `2026-05-${day}T05:00:00Z`, quantity ?? '0')
  }
  await market.until('2026-06-01T00:00:00Z')
  expect((await market.invoices()).map(({ total }) => total)).toEqual([1800n])
})

test('holds and credit of its customers expire when the clock passes them', async () => {
  const market = await open('2026-01-01T00:00:00Z')
  const customer = await market.customer()
  const id = z.looseObject({ id: z.string() })
  const held = readAnswer(id, await market.post('/v1/payments/authorize', { customer, amount: 500 }), 201)
  const credit = { customer, amount: 500, name: 'Gift', expires_at: '2026-01-20T00:00:00Z' }
  const granted = readAnswer(id, await market.post('/v1/credit-grants', credit), 201)
  await market.until('2026-01-02T00:00:00Z')
  expect((await world.service.store.get(payments, held.id))?.status).toBe('authorized')
  expect((await world.service.store.get(creditGrants, granted.id))?.status).toBe('open')
  await market.until('2026-03-01T00:00:00Z')
  expect((await world.service.store.get(payments, held.id))?.status).toMatch(/voided|expired/)
  expect((await world.service.store.get(creditGrants, granted.id))?.status).toBe('expired')
})

test('a clock that was left on its way goes on where it stands', async () => {
  const market = await open('2026-01-31T00:00:00Z')
  const customer = await market.customer()
  await market.subscribe({
    customer,
    items: [{ price: await market.price({ model: 'flat', currency: 'USD', amount: 700 }) }],
  })
  const { store, deps } = world.service
  const found = await store.get(testClocks, market.clock)
  if (!found) throw new Error('no clock')
  const { version, ...clock } = found
  // As a process leaves it that dies at its first step.
  const now = new Date('2026-02-28T00:00:00Z')
  const target = new Date('2026-05-01T00:00:00Z')
  const left = { ...clock, now, target, status: 'advancing' as const, movedAt: new Date(0) }
  await store.commit([replace(testClocks, left, version)])
  await resumeClocks(deps, new Date(1))
  expect(await store.get(testClocks, market.clock)).toMatchObject({ status: 'ready', now: target })
  expect(await market.invoices()).toHaveLength(4)
})

test('time goes forwards only, two years at once at most, and belongs to its marketplace', async () => {
  const market = await open('2026-01-31T00:00:00Z')
  const path = `/v1/test-clocks/${market.clock}/advance`
  for (const to of ['2026-01-30T23:59:59Z', '2029-01-01T00:00:00Z']) {
    expect(problemOf(await market.post(path, { to }))).toMatchObject({
      status: 400,
      errors: [{ pointer: '/to' }],
    })
  }
  const stranger = await world.keyOf({ tenant: 'acct_elsewhere' })
  expect((await world.post(path, stranger, { to: '2026-02-01T00:00:00Z' })).status).toBe(404)
})
