import { fork } from 'node:child_process'
import { once } from 'node:events'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { insert, replace } from '@tallystick/storage'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { checkLedger } from '../ledger/check-ledger.ts'
import { subscriptions } from './collections.ts'
import { dueTenant, fillMarket, openBilling } from './due-market.ts'
import { runBilling } from './run-billing.ts'

let database: TestDatabase
let deps: Deps
const until = new Date('2026-05-01T00:00:00Z')

beforeEach(async () => {
  database = await testDatabase()
  deps = await openBilling(database.url)
})
afterEach(async () => {
  await deps.store.close()
  await database.drop()
})

/** All invoices in the order of their numbers, which have no gap, with books that are right. */
async function booksOf({ store }: Deps): Promise<StoredInvoice[]> {
  const found: StoredInvoice[] = []
  for await (const { version: _, ...one } of store.scan(invoices.byTenant, { equals: [dueTenant] }))
    found.push(one)
  const sorted = found.toSorted((a, b) => ((a.number ?? '') < (b.number ?? '') ? -1 : 1))
  const numbers = sorted.map((_, place) => `2026-${String(place + 1).padStart(6, '0')}`)
  expect(sorted.map(({ number }) => number)).toEqual(numbers)
  const { journals, unbalanced, differences } = await checkLedger({ store }, dueTenant)
  expect({ journals, unbalanced, differences }).toEqual({
    journals: sorted.length,
    unbalanced: [],
    differences: [],
  })
  return sorted
}

/** What must be the same however a run came about. */
function essence(found: readonly StoredInvoice[]): string[] {
  return found
    .map(({ id, subscription, lines, total, period }) => {
      const told = lines.map(({ kind, amount, quantity, explanation }) => [
        kind,
        String(amount),
        quantity,
        explanation,
      ])
      return JSON.stringify([id, subscription, told, String(total), period])
    })
    .toSorted()
}

/** What a run that nothing disturbs comes to. */
async function undisturbed(count: number): Promise<string[]> {
  const other = await testDatabase()
  const calm = await openBilling(other.url)
  await fillMarket(calm, { count })
  await runBilling(calm, { until })
  const result = essence(await booksOf(calm))
  await calm.store.close()
  await other.drop()
  return result
}

test('periods that were missed are closed one after the other; a run that is repeated does nothing', async () => {
  await fillMarket(deps, { count: 25 })
  expect(await runBilling(deps, { until, batch: 10 })).toEqual({ periods: 75, invoices: 75, failed: [] })
  const first = await booksOf(deps)
  expect(first[0]?.lines.map(({ quantity, amount }) => [quantity, amount])).toEqual([
    ['16000', 1300n],
    ['1', 1900n],
  ])
  expect(await runBilling(deps, { until })).toEqual({ periods: 0, invoices: 0, failed: [] })
  expect(essence(await booksOf(deps))).toEqual(essence(first))
})

test('two runs at once over two connections come to what one comes to', async () => {
  await fillMarket(deps, { count: 30 })
  const other = await openBilling(database.url)
  const runs = await Promise.all([
    runBilling(deps, { until, batch: 7 }),
    runBilling(other, { until, batch: 4 }),
  ])
  await other.store.close()
  expect(runs.flatMap(({ failed }) => failed)).toEqual([])
  expect(runs.reduce((sum, run) => sum + run.invoices, 0)).toBe(90)
  expect(essence(await booksOf(deps))).toEqual(await undisturbed(30))
})

test('killed at any moment and run again, a run comes to the same invoices, numbers and books', async () => {
  const count = 60
  const expected = await undisturbed(count)
  await fillMarket(deps, { count })
  const rounds = 12
  let cutShort = 0
  for (let round = 0; round < rounds; round++) {
    const child = fork(new URL('./billing-run-child.ts', import.meta.url), [
      database.url,
      until.toISOString(),
      '5',
    ])
    const exited = once(child, 'exit')
    await once(child, 'message')
    // As soon as some more invoices are there, at a point that nobody chose.
    const target = (await billed(deps)) + 1 + ((round * 3) % 5)
    while (child.exitCode === null && child.connected && (await billed(deps)) < target) await breathe()
    if (child.kill('SIGKILL')) cutShort++
    await exited
    await booksOf(deps)
  }
  // Where this process gets little time, the last rounds find nothing left to do.
  expect(cutShort).toBeGreaterThanOrEqual(6)
  await runBilling(deps, { until })
  expect(essence(await booksOf(deps))).toEqual(expected)
}, 300_000)

test('a subscription that cannot be charged holds up no other, and is tried again later and later', async () => {
  await fillMarket(deps, { count: 5 })
  const { items } = await deps.store.find(subscriptions.byTenant, { equals: [dueTenant], limit: 1 })
  const [found] = items
  if (!found) throw new Error('no subscription')
  const { version, ...broken } = found
  const gone = broken.items.map((item) => ({ ...item, price: 'price_gone' }))
  await deps.store.commit([replace(subscriptions, { ...broken, items: gone }, version)])
  let logged = 0
  const log = Object.assign(Object.create(deps.log) as typeof deps.log, { error: () => logged++ })
  const tried: string[] = []
  for (let minutes = 0; minutes <= 4 * 24 * 60; minutes += 5) {
    const at = new Date(until.getTime() + minutes * 60_000)
    const { failed, periods } = await runBilling({ ...deps, log }, { until: at })
    if (minutes === 0) expect(periods).toBe(12)
    if (failed.length > 0) tried.push(`${Math.floor(minutes / 60)}:${minutes % 60}`)
  }
  // Doubled each time, and once a day at last.
  const daily = ['42:35', '66:35', '90:35']
  expect(tried).toEqual(['0:0', '0:5', '0:15', '0:35', '1:15', '2:35', '5:15', '10:35', '21:15', ...daily])
  expect(logged).toBe(1)
  const failing = await deps.store.get(subscriptions, broken.id)
  expect(failing).toMatchObject({
    period: broken.period,
    failure: { code: 'internal', attempts: 12, since: until },
  })
  const repaired = { ...failing!, items: broken.items }
  await deps.store.commit([replace(subscriptions, repaired, failing!.version)])
  const later = new Date(until.getTime() + 5 * 86_400_000)
  expect(await runBilling(deps, { until: later })).toEqual({ periods: 3, invoices: 3, failed: [] })
  expect((await deps.store.get(subscriptions, broken.id))?.failure).toBeUndefined()
  await booksOf(deps)
})

test('two subscriptions of one customer are billed in commits of their own', async () => {
  await fillMarket(deps, { count: 3 })
  const { items } = await deps.store.find(subscriptions.byTenant, { equals: [dueTenant], limit: 1 })
  const [found] = items
  if (!found) throw new Error('no subscription')
  const { version: _, ...first } = found
  const flat = first.items.slice(0, 1)
  await deps.store.commit([insert(subscriptions, { ...first, id: deps.newId('subscription'), items: flat })])
  expect(await runBilling(deps, { until })).toEqual({ periods: 12, invoices: 12, failed: [] })
  await booksOf(deps)
})

const billed = ({ store }: Deps) => store.count(invoices.byTenant, { equals: [dueTenant] }, { atMost: 1000 })
const breathe = () => new Promise((resolve) => setImmediate(resolve))
