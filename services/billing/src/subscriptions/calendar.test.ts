import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { faultsOf, openMarket } from './subscription-world.ts'
import type { Market } from './subscription-world.ts'

let world: BillingWorld
let market: Market
const flat = (amount: number, interval: 'month' | 'year' = 'month') =>
  ({ model: 'flat', currency: 'USD', amount, recurring: { interval } }) as const

beforeAll(async () => {
  world = await startBillingWorld()
})
afterAll(() => world.close())
afterEach(async () => expect(await faultsOf(market)).toEqual([]))

const charged = async () =>
  (await market.invoices()).map(({ lines }) => lines.map(({ amount }) => Number(amount)))

test('from 31 January: changed on the first day, at the last moment of February, and at the moment of the 31st', async () => {
  market = await openMarket(world, '2026-01-31T10:00:00Z')
  const customer = await market.customer({ time_zone: 'Europe/Berlin' })
  const [small, large] = [await market.price(flat(2800)), await market.price(flat(5600))]
  const { id } = await market.subscribe({ customer, items: [{ price: small }] })
  // At the very beginning all of it is given back; at the end of the period the change is that of the next one.
  await market.act(id, 'change', { items: [{ price: large }] })
  await market.until('2026-02-28T09:59:59.999Z')
  await market.act(id, 'change', { items: [{ price: small }] })
  expect((await market.read(id)).pending_lines.map(({ amount }) => amount.amount)).toEqual([-2800, 5600])
  await market.until('2026-02-28T10:00:00Z')
  await market.act(id, 'change', { items: [{ price: large }] })
  await market.until('2026-03-31T09:00:00Z')
  expect(await charged()).toEqual([[2800], [-2800, 5600, 2800], [-2800, 5600, 5600]])
  expect((await market.read(id)).period).toEqual({
    // Ten o'clock in Greenwich was eleven in Berlin, and is nine in summer.
    start: '2026-03-31T09:00:00.000Z',
    end: '2026-04-30T09:00:00.000Z',
  })
})

test('on a day of 23 hours and on one of 25 each hour costs the same share of its month', async () => {
  for (const [start, at, hours] of [
    ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', 23],
    ['2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', 25],
  ] as const) {
    market = await openMarket(world, start)
    const customer = await market.customer({ time_zone: 'Europe/Berlin' })
    const { id } = await market.subscribe({ customer, items: [{ price: await market.price(flat(100_000)) }] })
    const { period } = await market.read(id)
    const wholeHours = (Date.parse(period?.end ?? '') - Date.parse(period?.start ?? '')) / 3_600_000
    await market.until(at)
    await market.act(id, 'cancel', { when: 'now' })
    const [, [back] = []] = await charged()
    expect(100_000 + (back ?? 0)).toBe(100_000 - Math.round((100_000 * (wholeHours - hours)) / wholeHours))
  }
})

test('a year from 29 February: changed in summer, renewed on 28 February, and on the 29th of a leap year', async () => {
  market = await openMarket(world, '2028-02-29T12:00:00Z')
  const customer = await market.customer()
  const [basic, more] = [await market.price(flat(36_500, 'year')), await market.price(flat(73_000, 'year'))]
  const { id } = await market.subscribe({ customer, items: [{ price: basic }] })
  // 365 days from 29 February 2028 to 28 February 2029.
  await market.until('2028-08-31T12:00:00Z')
  const { pending_lines: lines } = await market.act(id, 'change', { items: [{ price: more }] })
  expect(lines.map(({ amount }) => amount.amount)).toEqual([-18_100, 36_200])
  await market.until('2030-02-28T11:59:59Z')
  await market.until('2032-02-28T12:00:00Z')
  expect((await market.read(id)).period?.end).toBe('2032-02-29T12:00:00.000Z')
  await market.until('2032-02-29T12:00:00Z')
  expect(await charged()).toEqual([[36_500], [-18_100, 36_200, 73_000], [73_000], [73_000], [73_000]])
})

test('changed from months to years, the year begins on the same day at the same wall time, and no part of it is charged as all', async () => {
  market = await openMarket(world, '2026-01-29T01:30:00Z')
  const customer = await market.customer({ time_zone: 'Europe/Berlin' })
  const [monthly, yearly] = [await market.price(flat(1000)), await market.price(flat(12_000, 'year'))]
  const { id } = await market.subscribe({ customer, items: [{ price: monthly }] })
  await market.until('2026-03-20T00:00:00Z')
  await market.act(id, 'change', { items: [{ price: yearly }], when: 'period_end' })
  // 2:30 is skipped on 29 March 2026: that year begins at 3:30, the next at 2:30 again.
  await market.until('2026-03-29T01:30:00Z')
  expect((await market.read(id)).period).toEqual({
    start: '2026-03-29T01:30:00.000Z',
    end: '2027-03-29T00:30:00.000Z',
  })
  const trial = await market.subscribe({
    customer,
    items: [{ price: monthly }],
    trial_days: 10,
    anchor_day: 29,
  })
  await market.act(trial.id, 'change', { items: [{ price: yearly }], when: 'period_end' })
  await market.until('2026-04-08T01:30:00Z')
  // Up to the anchor day it is a part of a year, and charged as that: 21 of 365 days.
  const first = (await market.invoices()).findLast(({ subscription }) => subscription === trial.id)
  expect((await market.read(trial.id)).period?.end).toBe('2026-04-29T01:30:00.000Z')
  expect(first?.lines.map(({ amount }) => amount)).toEqual([690n])
})
