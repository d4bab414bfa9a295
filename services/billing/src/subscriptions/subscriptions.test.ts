import { problemOf } from '@tallystick/runtime/test-http'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { faultsOf, openMarket } from './subscription-world.ts'
import type { Market } from './subscription-world.ts'

let world: BillingWorld
let market: Market
const monthly = { interval: 'month' } as const
const flat = (amount: number) => ({ model: 'flat', currency: 'USD', amount, recurring: monthly }) as const
const perToken = { model: 'per_unit', currency: 'USD', unit_amount: '0.001' } as const
const seat = { model: 'seat', currency: 'USD', unit_amount: '10' } as const

beforeAll(async () => {
  world = await startBillingWorld()
})
afterAll(() => world.close())
afterEach(async () => expect(await faultsOf(market)).toEqual([]))

/** Amounts of an invoice's lines with what they are. */
const linesOf = ({ lines }: { lines: { kind: string; amount: bigint }[] }) =>
  lines.map(({ kind, amount }) => [kind, Number(amount)])

test('a base fee is charged ahead, usage at the end of its period', async () => {
  market = await openMarket(world, '2026-01-31T10:00:00Z')
  const customer = await market.customer()
  const plan = await market.plan([
    await market.price(flat(5000)),
    await market.price(perToken, await market.meter()),
  ])
  const { id, status, period } = await market.subscribe({ customer, plan })
  expect({ status, period }).toEqual({
    status: 'active',
    period: { start: '2026-01-31T10:00:00.000Z', end: '2026-02-28T10:00:00.000Z' },
  })
  await market.use(customer, '2026-01-31T10:00:00Z', '65000')
  await market.until('2026-02-28T09:59:59.999Z')
  expect((await market.invoices()).map(linesOf)).toEqual([[['price', 5000]]])
  await market.until('2026-05-01T00:00:00Z')
  const found = await market.invoices()
  expect(found.map(linesOf)).toEqual([
    [['price', 5000]],
    [
      ['price', 6500],
      ['price', 5000],
    ],
    [['price', 5000]],
    [['price', 5000]],
  ])
  expect(found.map(({ status: of }) => of)).toEqual(['paid', 'paid', 'paid', 'paid'])
  const days = (span?: { start: Date; end: Date }) =>
    span && [span.start, span.end].map((moment) => moment.toISOString().slice(5, 10)).join(' to ')
  // Each invoice tells the period that it charges ahead and the one whose usage it charges, as its lines do.
  expect(found.map(({ period: of, usagePeriod }) => [days(of), days(usagePeriod)])).toEqual([
    ['01-31 to 02-28', undefined],
    ['02-28 to 03-31', '01-31 to 02-28'],
    ['03-31 to 04-30', '02-28 to 03-31'],
    ['04-30 to 05-31', '03-31 to 04-30'],
  ])
  expect(found[1]?.lines.map((line) => days(line.period))).toEqual(['01-31 to 02-28', '02-28 to 03-31'])
  const told = await market.world.call('GET', `/v1/invoices/${found[1]?.id}`, { key: market.key })
  expect(told.json).toMatchObject({
    period: { start: '2026-02-28T10:00:00.000Z', end: '2026-03-31T10:00:00.000Z' },
    usage_period: { start: '2026-01-31T10:00:00.000Z', end: '2026-02-28T10:00:00.000Z' },
  })
  // The 31st comes back after February.
  expect((await market.read(id)).period).toEqual({
    start: '2026-04-30T10:00:00.000Z',
    end: '2026-05-31T10:00:00.000Z',
  })
})

test('an upgrade gives back and charges the rest, and the parts sum exactly', async () => {
  market = await openMarket(world, '2026-04-01T00:00:00Z')
  const customer = await market.customer()
  const small = await market.plan([await market.price(flat(1001))])
  const large = await market.plan([await market.price(flat(2999))])
  const { id } = await market.subscribe({ customer, plan: small })
  await market.until('2026-04-11T07:00:00Z')
  const changed = await market.act(id, 'change', { plan: large })
  const [back, charge] = changed.pending_lines.map(({ amount }) => amount.amount)
  expect(changed.pending_lines).toHaveLength(2)
  // Back and forth at the same moment moves nothing.
  await market.act(id, 'change', { plan: small })
  const again = await market.act(id, 'change', { plan: large })
  const sum = again.pending_lines.reduce((total, { amount }) => total + amount.amount, 0)
  expect(sum).toBe((back ?? 0) + (charge ?? 0))
  await market.until('2026-05-01T00:00:00Z')
  const found = await market.invoices()
  const total = found.flatMap(({ lines }) => lines).reduce((all, { amount }) => all + Number(amount), 0)
  // 10 days and 7 hours of 30 of the small plan, the rest of the large one, and the next month of that.
  const used = 1001 + (back ?? 0)
  expect(used).toBe(Math.round((1001 * 247) / 720))
  expect(charge).toBe(Math.round((2999 * 473) / 720))
  expect(total).toBe(used + (charge ?? 0) + 2999)
})

test('a downgrade at the end of the period moves nothing before', async () => {
  market = await openMarket(world, '2026-04-01T00:00:00Z')
  const customer = await market.customer()
  const large = await market.plan([await market.price(flat(2999))])
  const yearly = await market.plan([await market.price({ model: 'flat', currency: 'USD', amount: 9000 })], {
    interval: 'year',
  })
  const { id } = await market.subscribe({ customer, plan: large })
  const refused = await market.post(`/v1/subscriptions/${id}/change`, { plan: yearly })
  expect(problemOf(refused).code).toBe('invalid_state')
  const changed = await market.act(id, 'change', { plan: yearly, when: 'period_end' })
  expect(changed).toMatchObject({ plan: large, pending_change: { plan: yearly }, pending_lines: [] })
  await market.until('2026-05-02T00:00:00Z')
  expect((await market.invoices()).map(linesOf)).toEqual([[['price', 2999]], [['price', 9000]]])
  const after = await market.read(id)
  expect(after).toMatchObject({ plan: yearly, interval: 'year' })
  expect(after.period).toEqual({ start: '2026-05-01T00:00:00.000Z', end: '2027-05-01T00:00:00.000Z' })
})

test('seats are added for the rest of the period', async () => {
  market = await openMarket(world, '2026-06-01T00:00:00Z')
  const customer = await market.customer()
  const price = await market.price(seat)
  const { id } = await market.subscribe({ customer, items: [{ price, quantity: 3 }] })
  await market.until('2026-06-16T00:00:00Z')
  const { items } = await market.act(id, 'change', { items: [{ price, quantity: 5 }] })
  expect(items).toEqual([{ id: '1', price, quantity: 5 }])
  await market.until('2026-07-01T00:00:00Z')
  expect((await market.invoices()).map(linesOf)).toEqual([
    [['price', 3000]],
    [
      ['proration', -1500],
      ['proration', 2500],
      ['price', 5000],
    ],
  ])
})

test('a metered price that is replaced keeps the usage up to then', async () => {
  market = await openMarket(world, '2026-06-01T00:00:00Z')
  const customer = await market.customer()
  const meter = await market.meter()
  const cheap = await market.price(perToken, meter)
  const dear = await market.price({ ...perToken, unit_amount: '0.002' }, meter)
  const { id } = await market.subscribe({ customer, items: [{ price: cheap }] })
  await market.until('2026-06-10T00:00:00Z')
  await market.use(customer, '2026-06-09T12:30:00Z', '10000')
  await market.act(id, 'change', { items: [{ price: dear }] })
  await market.until('2026-06-20T00:00:00Z')
  await market.use(customer, '2026-06-10T00:00:00Z', '10000')
  await market.until('2026-07-01T00:00:00Z')
  expect((await market.invoices()).map(linesOf)).toEqual([
    [
      ['price', 1000],
      ['price', 2000],
    ],
  ])
})

test('a trial costs nothing, whatever is used in it, and then the first period begins', async () => {
  market = await openMarket(world, '2028-02-15T08:00:00Z')
  const customer = await market.customer()
  const plan = await market.plan(
    [await market.price(flat(1000)), await market.price(perToken, await market.meter())],
    { trial_days: 14 },
  )
  const trial = await market.subscribe({ customer, plan })
  expect(trial).toMatchObject({ status: 'trialing', trial_end: '2028-02-29T08:00:00.000Z' })
  await market.use(customer, '2028-02-15T08:00:00Z', '9999')
  await market.until('2028-02-29T08:00:00Z')
  expect((await market.invoices()).map(linesOf)).toEqual([[['price', 1000]]])
  const paid = await market.read(trial.id)
  expect(paid).toMatchObject({ status: 'active', anchor_day: 29 })
  expect(paid.period?.end).toBe('2028-03-29T08:00:00.000Z')
})

test('a plan has one trial for each customer, however often it is canceled, changed and begun, or begun at once', async () => {
  market = await openMarket(world, '2028-02-15T08:00:00Z')
  const plans = await Promise.all(
    [1, 2].map(async () => market.plan([await market.price(flat(1000))], { trial_days: 14 })),
  )
  const [plan, other] = plans
  const customer = await market.customer()
  const first = await market.subscribe({ customer, plan })
  expect(first.status).toBe('trialing')
  await market.act(first.id, 'change', { plan: other })
  await market.act(first.id, 'cancel', { when: 'now' })
  expect(await market.subscribe({ customer, plan })).toMatchObject({ status: 'active' })
  expect(await market.subscribe({ customer, plan, trial_days: 7 })).toMatchObject({ status: 'trialing' })
  const both = await Promise.all([1, 2].map(() => market.subscribe({ customer, plan: other })))
  expect(both.map(({ status }) => status).toSorted()).toEqual(['active', 'trialing'])
  const second = await market.customer()
  expect(await market.subscribe({ customer: second, plan })).toMatchObject({ status: 'trialing' })
})

test('canceled now: usage so far is charged, the rest of what was paid ahead comes back as credit', async () => {
  market = await openMarket(world, '2026-09-01T00:00:00Z')
  const customer = await market.customer()
  const plan = await market.plan([
    await market.price(flat(3000)),
    await market.price(perToken, await market.meter()),
  ])
  const { id } = await market.subscribe({ customer, plan })
  await market.until('2026-09-11T00:00:00Z')
  await market.use(customer, '2026-09-05T00:30:00Z', '4000')
  const ended = await market.act(id, 'cancel', { when: 'now' })
  expect(ended).toMatchObject({ status: 'canceled', canceled_at: '2026-09-11T00:00:00.000Z' })
  const found = await market.invoices()
  expect(found.map(linesOf)).toEqual([
    [['price', 3000]],
    [
      ['price', 400],
      ['proration', -2000],
    ],
  ])
  expect(found[1]).toMatchObject({ total: -1600n, status: 'paid' })
  expect(problemOf(await market.post(`/v1/subscriptions/${id}/resume`, {})).code).toBe('invalid_state')
  // Usage that is reported late is still charged, once nothing more can come.
  await market.until('2026-09-20T00:00:00Z')
  await market.use(customer, '2026-09-10T23:00:00Z', '1000')
  await market.until('2026-12-01T00:00:00Z')
  const later = await market.invoices()
  expect(later.slice(2).map(linesOf)).toEqual([
    [
      ['late_usage_reversal', -400],
      ['late_usage', 500],
    ],
  ])
  expect(later[2]).toMatchObject({ creditsApplied: 100n, status: 'paid' })
})

test('canceled at the end of the period it runs on until then, and may be kept', async () => {
  market = await openMarket(world, '2026-09-01T00:00:00Z')
  const customer = await market.customer()
  const plan = await market.plan([await market.price(flat(3000))])
  const kept = await market.subscribe({ customer, plan })
  const gone = await market.subscribe({ customer, plan })
  for (const { id } of [kept, gone]) {
    const told = await market.act(id, 'cancel', { when: 'period_end' })
    expect(told).toMatchObject({ status: 'active', cancel_at: '2026-10-01T00:00:00.000Z' })
  }
  expect((await market.act(kept.id, 'resume')).cancel_at).toBeUndefined()
  await market.until('2026-10-02T00:00:00Z')
  expect((await market.read(kept.id)).status).toBe('active')
  expect((await market.read(gone.id)).status).toBe('canceled')
  expect(await market.invoices()).toHaveLength(3)
})

test('paused, nothing is charged; resumed, the period up to the anchor is charged by its share', async () => {
  market = await openMarket(world, '2026-06-01T00:00:00Z')
  const customer = await market.customer()
  const plan = await market.plan([await market.price(flat(3000))])
  const { id } = await market.subscribe({ customer, plan })
  await market.until('2026-06-11T00:00:00Z')
  expect(await market.act(id, 'pause')).toMatchObject({ status: 'paused' })
  await market.until('2026-09-16T00:00:00Z')
  const resumed = await market.act(id, 'resume')
  expect(resumed.period).toEqual({ start: '2026-09-16T00:00:00.000Z', end: '2026-10-01T00:00:00.000Z' })
  await market.until('2026-10-01T00:00:00Z')
  expect((await market.invoices()).map(linesOf)).toEqual([
    [['price', 3000]],
    [['proration', -2000]],
    [['price', 1500]],
    [['price', 3000]],
  ])
})

test('what does not fit together is refused and says why', async () => {
  market = await openMarket(world, '2026-06-01T00:00:00Z')
  const customer = await market.customer()
  const month = await market.price(flat(100))
  const euro = await market.price({ model: 'flat', currency: 'EUR', amount: 1 })
  const year = await market.price({ ...flat(100), recurring: { interval: 'year' } })
  const tokens = await market.price(perToken)
  const bad: [object, string][] = [
    [{ items: [{ price: euro }] }, '/items/0'],
    [{ items: [{ price: month }, { price: year }] }, '/items'],
    [{ items: [{ price: month, quantity: 2 }] }, '/items/0'],
    [{ items: [{ price: tokens }] }, '/items/0'],
    [{ items: [{ price: month }, { price: month }] }, '/items'],
    [{ plan: 'plan_01kqxq5t8r0000000000000000' }, '/plan'],
    [{ items: [{ price: month }], start: '2026-05-31T00:00:00Z' }, '/start'],
    [{ items: [{ price: month }], customer: 'cus_01kqxq5t8r0000000000000000' }, '/customer'],
  ]
  for (const [body, pointer] of bad) {
    const problem = problemOf(await market.post('/v1/subscriptions', { customer, ...body }))
    expect(problem.errors?.[0]?.pointer).toBe(pointer)
  }
  expect(problemOf(await market.post('/v1/subscriptions', { customer })).status).toBe(400)
  expect(await market.invoices()).toEqual([])
})

test("another marketplace's subscription is as one that is not there; a customer sees its own", async () => {
  market = await openMarket(world, '2026-06-01T00:00:00Z')
  const customer = await market.customer({ reference: 'acct_own' })
  const { id } = await market.subscribe({ customer, items: [{ price: await market.price(flat(100)) }] })
  const stranger = await world.keyOf({ tenant: 'acct_elsewhere' })
  const other = await world.keyOf({ tenant: market.tenant, role: 'developer', account: 'acct_not_own' })
  const own = await world.keyOf({ tenant: market.tenant, role: 'developer', account: 'acct_own' })
  for (const key of [stranger, other]) {
    expect((await world.call('GET', `/v1/subscriptions/${id}`, { key })).status).toBe(404)
    expect((await world.post(`/v1/subscriptions/${id}/cancel`, key, {})).status).toBe(404)
  }
  expect((await world.call('GET', `/v1/subscriptions/${id}`, { key: own })).status).toBe(200)
})
