import { aggregate } from '@tallystick/pricing'
import type { Aggregation, MeterEvent } from '@tallystick/pricing'
import { formatDecimal, parseDecimal } from '@tallystick/money'
import { leases, leaseTerms, systemEntropy } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import { insert, openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import { billingCollections } from '../collections.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { againAfterDuplicate } from './again-after-duplicate.ts'
import { aggregateUsage } from './aggregate-usage.ts'
import { buildMeter, rebuildAggregates } from './build-meter.ts'
import { usageDays, usageMembers, usageValues } from './collections.ts'
import { correctUsage } from './correct-usage.ts'
import { archiveMeter, createMeter } from './create-meter.ts'
import { findMeter } from './find-meters.ts'
import { sumHours } from './hour-columns.ts'
import { clearLateUsage, lateUsageOf, markBilled } from './late-usage.ts'
import { placesAsked } from './read-places.ts'
import { readUsage } from './read-usage.ts'
import { reportUsage } from './report-usage.ts'
import { reportInput } from './usage-schemas.ts'

const start = Date.parse('2026-03-10T12:34:56.789Z')
const hourMs = 3_600_000
let database: TestDatabase
let stores: Store[]
let deps: Deps
let other: Deps
let close: () => Promise<void>

beforeAll(async () => {
  const world = await startBillingWorld()
  database = await testDatabase()
  const open = () =>
    openStore(database.url, { name: 'billing-law', collections: [...billingCollections, leases, leaseTerms] })
  stores = [await open(), await open()]
  const depsOf = (store: Store): Deps => ({
    ...world.service.deps,
    ...systemEntropy(() => new Date(start)),
    store,
  })
  deps = depsOf(stores[0] as Store)
  other = depsOf(stores[1] as Store)
  close = async () => {
    await Promise.all(stores.map((store) => store.close()))
    await database.drop()
    await world.close()
  }
})
afterAll(() => close())

let tenants = 0
/** A tenant of its own with one customer. */
async function newTenant(): Promise<{ caller: Caller; customer: string }> {
  const tenant = `acct_${tenants++}`
  const caller: Caller = {
    tenant,
    account: tenant,
    role: 'operator',
    keyId: 'key_1',
    scopes: [],
    livemode: false,
    plan: 'standard',
  }
  const customer = deps.newId('customer')
  const shared = { name: 'Dev', currency: 'USD', timeZone: 'UTC', taxTreatment: 'taxable' as const }
  const more = { suspended: false, metadata: {}, createdAt: new Date(start) }
  await deps.store.commit([insert(customers, { id: customer, tenant, reference: 'dev', ...shared, ...more })])
  return { caller, customer }
}

async function made<T>(
  by: Deps,
  plan: () => Promise<{ writes: readonly Parameters<Store['commit']>[0][number][]; answer: T }>,
) {
  return againAfterDuplicate(() =>
    by.store.attempt(async () => {
      const { writes, answer } = await plan()
      if (writes.length > 0) await by.store.commit([...writes])
      return answer
    }),
  )
}

interface Sent {
  event_id: string
  quantity: string
  occurred_at: string
  model_id?: string
  api_key?: string
  country?: string
  licenses?: readonly string[]
  success: boolean
}
const wire = ({ country, ...event }: Sent) => ({
  ...event,
  customer: 'dev',
  metric: 'tokens',
  purpose: 'train',
  dimensions: country === undefined ? {} : { country },
})
const report = (by: Deps, caller: Caller, events: readonly Sent[]) =>
  made(by, () => reportUsage(by, caller, reportInput.parse({ events: events.map(wire) })))

const aggregations: Aggregation[] = ['count', 'sum', 'max', 'last', 'unique']
const meterOf = (by: Deps, caller: Caller, aggregation: Aggregation) =>
  made(by, () =>
    createMeter(by, caller, {
      name: aggregation,
      metric: 'tokens',
      aggregation,
      ...(aggregation === 'unique' && { field: 'model_id' }),
      filters: [],
      group_by: ['dimensions.country'],
    }),
  )

/** What is stored of a meter, without the names that a rebuilt one has anew. */
async function stored(caller: Caller, aggregation: Aggregation): Promise<string[]> {
  const meter = await findMeter(deps, caller.tenant, aggregation)
  const equals = [caller.tenant, meter.series]
  const found: string[] = []
  const tell = (one: object) => found.push(JSON.stringify(one, text))
  const of = aggregation === 'count' ? 'count' : 'sum'
  for await (const { kind, holder, customer, group, ...day } of deps.store.scan(usageDays.byHolder, {
    equals,
  }))
    sumHours(day, of, everyHour, (hour, counted) =>
      tell({ kind, holder, customer, group, day: day.day, hour, ...counted }),
    )
  for await (const { id: _, series: _s, version: _v, ...one } of deps.store.scan(usageValues.byHolder, {
    equals,
  }))
    if (one.hours.length > 0) tell(one)
  for await (const { kind, holder, group, member, ...day } of deps.store.scan(usageMembers.byHolder, {
    equals,
  }))
    sumHours(day, 'unique', everyHour, (hour, { count }) =>
      tell({ kind, holder, group, member, day: day.day, hour, count }),
    )
  return found.toSorted((a, b) => (a < b ? -1 : 1))
}
const everyHour = Array.from({ length: 24 }, (_, hour) => hour)
const text = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)

const quantity = fc.oneof(
  fc.integer({ min: 0, max: 20 }).map(String),
  fc.constantFrom('9007199254740993', '0.000000000001', '999999999999999999.999999999999', '0.1'),
)
const licenses = ['lic_1', 'lic_2']
const keys = ['key_1', 'key_2']
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      id: fc.integer({ min: 0, max: 40 }),
      quantity,
      minutesAgo: fc.integer({ min: -4, max: 300 }),
      model: fc.constantFrom('a', 'b', 'c', undefined),
      country: fc.constantFrom('DE', 'FR', undefined),
      licenses: fc.subarray(licenses),
      key: fc.constantFrom(...keys, undefined),
      success: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      id: fc.integer({ min: 0, max: 40 }),
      quantity,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('deprecate' as const), id: fc.integer({ min: 0, max: 40 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('meter' as const), which: fc.integer({ min: 0, max: 4 }) }),
  },
)

interface Known extends MeterEvent {
  country: string
  licenses: readonly string[]
  key: string | undefined
}

test(
  'incremental figures are those of the events, and a rebuilt meter holds the same',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        const { caller, customer } = await newTenant()
        const model = new Map<string, Known | undefined>()
        const measured = new Set<Aggregation>()
        for (const [turn, one] of actions.entries()) {
          if (one.do === 'meter') {
            const aggregation = aggregations[one.which] ?? 'sum'
            if (measured.has(aggregation)) continue
            const { id } = await meterOf(deps, caller, aggregation)
            if (turn % 2 === 0) await buildMeter(deps, id)
            measured.add(aggregation)
            continue
          }
          const event_id = `e${one.id}`
          if (one.do === 'report') {
            const occurredAt = new Date(start - one.minutesAgo * 60_000)
            const sent: Sent = {
              event_id,
              quantity: one.quantity,
              occurred_at: occurredAt.toISOString(),
              ...(one.model !== undefined && { model_id: one.model }),
              ...(one.country !== undefined && { country: one.country }),
              ...(one.key !== undefined && { api_key: one.key }),
              licenses: one.licenses,
              success: one.success,
            }
            await report(deps, caller, [sent])
            if (model.has(event_id)) continue
            const known = {
              occurredAt,
              sequence: 0,
              value: parseDecimal(one.quantity),
              member: one.model ?? '',
            }
            model.set(
              event_id,
              one.success
                ? { ...known, country: one.country ?? '', licenses: one.licenses, key: one.key }
                : undefined,
            )
            continue
          }
          const before = model.get(event_id)
          const correction = one.do === 'adjust' ? { quantity: one.quantity } : {}
          const correct = made(deps, () =>
            correctUsage(deps, caller, { event_id, reason: 'test', ...correction }),
          )
          if (!before) await expect(correct).rejects.toThrow(/not_found|invalid_state/)
          else {
            await correct
            model.set(
              event_id,
              one.do === 'adjust' ? { ...before, value: parseDecimal(one.quantity) } : undefined,
            )
          }
        }
        const events = [...model.values()].filter((event) => event !== undefined)
        const cuts = [start - 250 * 60_000, start - 100 * 60_000 - 1, start - 30 * 60_000, start + hourMs]
        for (const aggregation of measured) {
          const figures = async () => {
            const read = []
            for (const from of cuts) {
              for (const before of cuts.filter((cut) => cut > from)) {
                const question = {
                  meter: aggregation,
                  customer,
                  from: new Date(from),
                  before: new Date(before),
                }
                const { usage } = await aggregateUsage(deps, caller.tenant, question)
                const within = events.filter(({ occurredAt }) => +occurredAt >= from && +occurredAt < before)
                const counted =
                  aggregation === 'unique' ? within.filter(({ member }) => member !== '') : within
                expect(usage).toEqual({ quantity: formatDecimal(aggregate(aggregation, counted)) })
                const grouped = await aggregateUsage(deps, caller.tenant, {
                  ...question,
                  groupBy: ['country'],
                })
                if (!('byDimension' in grouped.usage)) throw new Error('not grouped')
                for (const slice of grouped.usage.byDimension) {
                  const of = counted.filter(({ country }) => country === (slice.dimensions['country'] ?? ''))
                  expect(slice.quantity).toBe(formatDecimal(aggregate(aggregation, of)))
                }
                read.push(
                  usage,
                  ...(await ofHolders(caller.tenant, { aggregation, cuts: [from, before] }, counted)),
                )
              }
            }
            return read
          }
          const incremental = await figures()
          await buildMeter(deps, (await findMeter(deps, caller.tenant, aggregation)).id)
          const before = await stored(caller, aggregation)
          expect(await figures()).toEqual(incremental)
          await rebuildAggregates(deps, caller.tenant, aggregation)
          expect(await stored(caller, aggregation)).toEqual(before)
          expect(await figures()).toEqual(incremental)
        }
      }),
      { numRuns: Number(process.env['FC_RUNS'] ?? 40) },
    )
  },
)

/** What is read of each license and key, held against its events: of all, and by piece of time and country. */
async function ofHolders(
  tenant: string,
  { aggregation, cuts: [from, before] }: { aggregation: Aggregation; cuts: [number, number] },
  events: readonly Known[],
): Promise<string[]> {
  const meter = await findMeter(deps, tenant, aggregation)
  const told = (of: readonly Known[]) => formatDecimal(aggregate(aggregation, of))
  const totals: string[] = []
  const holders: { license?: string; apiKey?: string }[] = [
    ...licenses.map((license) => ({ license })),
    ...keys.map((apiKey) => ({ apiKey })),
    { license: 'lic_1', apiKey: 'key_1' },
  ]
  for (const { license, apiKey } of holders) {
    const own = events.filter(
      (event) =>
        (license === undefined || event.licenses.includes(license)) &&
        (apiKey === undefined || event.key === apiKey),
    )
    const cuts = [from, Math.floor((from + before) / 2), before].map((at) => new Date(at))
    const question = { tenant, meter, license, apiKey, groupBy: ['dimensions.country'], cuts }
    // Of a key and a license together only the events know.
    expect(placesAsked(question) === undefined).toBe(license !== undefined && apiKey !== undefined)
    const { rows, total } = await readUsage(deps, question)
    expect(total).toBe(told(own))
    for (const { piece, group, quantity } of rows) {
      const [start = 0, end = 0] = [cuts[piece]?.getTime(), cuts[piece + 1]?.getTime()]
      const inRow = own.filter(
        ({ country, occurredAt }) => country === group[0] && +occurredAt >= start && +occurredAt < end,
      )
      expect(quantity).toBe(told(inRow))
    }
    expect(await readUsage(deps, { ...question, customer: 'cus_other' })).toEqual({ rows: [], total: '0' })
    totals.push(total)
  }
  return totals
}

const plain = (id: string, more: Partial<Sent> = {}): Sent => ({
  event_id: id,
  quantity: '1.5',
  occurred_at: new Date(start - 60_000).toISOString(),
  licenses: ['lic_1'],
  success: true,
  ...more,
})

test('rebuilding a count leaves the sum whose documents it shared as it was', async () => {
  const { caller, customer } = await newTenant()
  const sum = await meterOf(deps, caller, 'sum')
  const count = await meterOf(deps, caller, 'count')
  for (const { id } of [sum, count]) await buildMeter(deps, id)
  const series = async (id: string) => (await findMeter(deps, caller.tenant, id)).series
  expect(await series(count.id)).toBe(await series(sum.id))
  await report(deps, caller, [plain('one'), plain('two')])
  const range = { from: new Date(start - 24 * hourMs), before: new Date(start + hourMs) }
  const figures = async () =>
    Promise.all(
      (['sum', 'count'] as const).map(
        async (meter) => (await aggregateUsage(deps, caller.tenant, { meter, customer, ...range })).usage,
      ),
    )
  const before = await figures()
  expect(before).toEqual([{ quantity: '3' }, { quantity: '2' }])
  await rebuildAggregates(deps, caller.tenant, 'count')
  expect(await figures()).toEqual(before)
})

test('a meter that still counts what came before it is not archived, and is once it is done', async () => {
  const { caller } = await newTenant()
  await report(deps, caller, [plain('before')])
  const { id } = await meterOf(deps, caller, 'sum')
  const archive = () => made(deps, () => archiveMeter(deps, caller, id))
  await expect(archive()).rejects.toMatchObject({ code: 'invalid_state' })
  await buildMeter(deps, id)
  await archive()
  expect(await findMeter(deps, caller.tenant, id)).toMatchObject({ status: 'archived', active: false })
})

test('two processes that report, correct, create and rebuild at once count everything once', async () => {
  const { caller, customer } = await newTenant()
  await report(
    deps,
    caller,
    Array.from({ length: 300 }, (_, at) => plain(`old${at}`, { model_id: `m${at % 7}` })),
  )
  await meterOf(deps, caller, 'sum')
  const batch = (run: number) =>
    Array.from({ length: 20 }, (_, at) =>
      plain(`new${run}-${at}`, { quantity: String(at), model_id: `n${run}` }),
    )
  await Promise.all([
    ...Array.from({ length: 8 }, (_, run) => report(run % 2 ? deps : other, caller, batch(run))),
    // The same events again, by the other process.
    ...Array.from({ length: 8 }, (_, run) => report(run % 2 ? other : deps, caller, batch(run))),
    ...(['max', 'unique', 'last', 'count'] as const).map(async (aggregation, at) => {
      const by = at % 2 ? deps : other
      const { id } = await meterOf(by, caller, aggregation)
      await Promise.all([buildMeter(deps, id), buildMeter(other, id)])
    }),
    rebuildAggregates(other, caller.tenant, 'sum'),
    ...Array.from({ length: 6 }, (_, at) =>
      made(at % 2 ? deps : other, () =>
        correctUsage(at % 2 ? deps : other, caller, {
          event_id: `old${at}`,
          quantity: '2.5',
          reason: 'race',
        }),
      ),
    ),
  ])
  const figures: Record<string, unknown> = {}
  const range = { from: new Date(start - 24 * hourMs), before: new Date(start + hourMs) }
  for (const meter of aggregations)
    figures[meter] = (await aggregateUsage(other, caller.tenant, { meter, customer, ...range })).usage
  expect(figures).toEqual({
    count: { quantity: '460' },
    sum: { quantity: String(294 * 1.5 + 6 * 2.5 + 8 * 190) },
    max: { quantity: '19' },
    last: { quantity: '19' },
    unique: { quantity: '15' },
  })
  const cuts = [range.from, range.before]
  for (const name of aggregations) {
    const meter = await findMeter(other, caller.tenant, name)
    const question = { tenant: caller.tenant, meter, license: 'lic_1', groupBy: [], cuts }
    expect({ quantity: (await readUsage(other, question)).total }).toEqual(figures[name])
  }
})

test('what lands in billed time is told to the billing run, and only once it has been seen is it cleared', async () => {
  const { caller, customer } = await newTenant()
  const { tenant } = caller
  const { id: meter } = await meterOf(deps, caller, 'sum')
  await report(deps, caller, [plain('in-time')])
  const until = new Date(start - 30_000)
  await made(deps, async () => ({
    writes: await markBilled(deps, { tenant, customer, until }),
    answer: undefined,
  }))
  await report(deps, caller, [plain('after', { occurred_at: until.toISOString() })])
  expect(await lateUsageOf(deps, tenant, customer)).toEqual([])
  await report(deps, caller, [plain('late'), plain('late-failed', { success: false })])
  const [late] = await lateUsageOf(deps, tenant, customer)
  expect(late).toMatchObject({
    meter,
    hour: new Date(Math.floor((start - 60_000) / hourMs) * hourMs),
    changes: 1n,
  })
  await made(deps, () => correctUsage(deps, caller, { event_id: 'in-time', quantity: '4', reason: 'test' }))
  if (!late) throw new Error('nothing was late')
  await expect(deps.store.commit([clearLateUsage(late)])).rejects.toThrow()
  const [now] = await lateUsageOf(deps, tenant, customer)
  if (!now) throw new Error('nothing was late')
  await deps.store.commit([clearLateUsage(now)])
  expect(await lateUsageOf(deps, tenant, customer)).toEqual([])
})

test('nothing that is being reported while billing begins is lost between reading and marking', async () => {
  const { caller, customer } = await newTenant()
  const { tenant } = caller
  await meterOf(deps, caller, 'sum')
  const until = new Date(start)
  const reports = Array.from({ length: 10 }, (_, at) => report(other, caller, [plain(`r${at}`)]))
  await made(deps, async () => ({
    writes: await markBilled(deps, { tenant, customer, until }),
    answer: undefined,
  }))
  const question = { meter: 'sum', customer, from: new Date(start - hourMs), before: until }
  const { usage } = await aggregateUsage(deps, tenant, question)
  await Promise.all(reports)
  const late = (await lateUsageOf(deps, tenant, customer)).reduce(
    (sum, { changes }) => sum + Number(changes),
    0,
  )
  const read = 'quantity' in usage ? Number(usage.quantity) / 1.5 : 0
  // Late may hold what was read too: a late correction of nothing is nothing.
  expect(read + late).toBeGreaterThanOrEqual(10)
})
