import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@tallystick/storage'
import { usageEvents } from '../services/billing/src/usage/collections.ts'
import { startBareChild, startUsageChild } from './child-process.ts'
import type { Child } from './child-process.ts'
import { httpLoad } from './http-load.ts'
import type { LoadRequest } from './http-load.ts'
import { timed } from './measure.ts'
import type { Measures } from './measure.ts'
import type { UsageListening } from './usage-child.ts'
import {
  benchCustomer,
  benchTenant,
  customersOfBench,
  sampleUsage,
  sampleUsageDocument,
} from './usage-data.ts'

const batchSize = 1000
const batchesAlone = 20
const dayMs = 86_400_000
const days = 30

/** Reporting and querying usage over HTTP, beside what storage and HTTP do without us. `events` is how many to query. */
export async function benchMetering(
  measures: Measures,
  { events, seconds }: { events: number; seconds: number },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  try {
    await using service = await startUsageChild(folder, benchTenant)
    await prepare(service.told)
    await benchBatches(measures, service, folder)
    await benchSingles(measures, service, seconds)
    await benchQueries(measures, service, { events, seconds })
    const value = (await service.rss()) / 2 ** 20
    measures.add({ group: 'usage over HTTP', name: 'resident memory afterwards', value, unit: 'MiB' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function prepare(told: UsageListening): Promise<void> {
  const meter = { metric: 'tokens', group_by: ['dimensions.country'] }
  await post(told, '/v1/meters', { ...meter, name: 'tokens', aggregation: 'sum' })
  await post(told, '/v1/meters', { ...meter, name: 'calls', aggregation: 'count' })
  for (let customer = 0; customer < customersOfBench; customer++)
    await post(told, '/v1/customers', { reference: benchCustomer(customer) })
}

/** Rounds of both in turn, so that other work on the machine slows both alike. */
async function benchBatches(
  measures: Measures,
  { told }: Child<UsageListening>,
  folder: string,
): Promise<void> {
  const store = await openStore(`sqlite:${folder}`, { name: 'bare', collections: [usageEvents] })
  const spent = { bare: 0, alone: 0, two: 0 }
  const at = new Date()
  let call = 0
  const bodies = (run: string) =>
    Array.from({ length: batchesAlone / 4 }, () => bodyOf(run, call++ * batchSize, at))
  try {
    for (let round = 0; round < 4; round++) {
      const documents = bodies('unused').map((_, place) =>
        Array.from({ length: batchSize }, (_, turn) =>
          sampleUsageDocument((round * 100 + place) * batchSize + turn, at),
        ),
      )
      const bare = await timed(async () => {
        for (const one of documents) await store.insertMany(usageEvents, one)
      })
      spent.bare += bare.seconds
      const alone = bodies('alone')
      spent.alone += (await timed(() => sendAll(told, alone, 1))).seconds
      const two = bodies('two')
      spent.two += (await timed(() => sendAll(told, two, 2))).seconds
    }
  } finally {
    await store.close()
  }
  const rate = (seconds: number) => (batchesAlone * batchSize) / seconds
  const name = 'insertMany of 1,000 usage events through the storage port'
  const bare = measures.add({ group: 'raw limits', name, value: rate(spent.bare), unit: 'events/s' })
  for (const [inFlight, seconds] of [
    [1, spent.alone],
    [2, spent.two],
  ] as const) {
    const value = rate(seconds)
    measures.add({
      group: 'usage over HTTP',
      name: `batches of 1,000 with receipts and two meters, ${inFlight} in flight`,
      value,
      unit: 'events/s',
      ratio: value / bare.value,
      against: 'bare insertMany',
      goal: 1 / 3,
    })
  }
}

async function benchSingles(
  measures: Measures,
  { told, cpuMicros }: Child<UsageListening>,
  seconds: number,
): Promise<void> {
  await using bareServer = await startBareChild()
  const bare = await httpLoad(bareServer.told.url, [{ path: '/' }], seconds)
  const raw = { group: 'raw limits', name: 'a bare Fastify route, 32 in flight' }
  measures.add({ ...raw, value: bare.rate, unit: 'requests/s' })
  const requests = Array.from({ length: 40_000 }, (_, turn) =>
    request(told, '/v1/usage-reports', sampleUsage('single', turn, new Date())),
  )
  const before = await cpuMicros()
  const { rate, p50, p99 } = await httpLoad(told.url, requests, seconds)
  const micros = Math.round(((await cpuMicros()) - before) / (rate * seconds))
  measures.add({
    group: 'usage over HTTP',
    name: 'one event a request with its receipt, 32 in flight',
    value: rate,
    unit: 'events/s',
    ratio: rate / bare.rate,
    against: 'bare route',
    note: `p50 ${p50} ms, p99 ${p99} ms; ${micros} µs of the main thread each`,
  })
}

async function benchQueries(
  measures: Measures,
  { told, cpuMicros }: Child<UsageListening>,
  { events, seconds }: { events: number; seconds: number },
): Promise<void> {
  const batches = events / batchSize
  const start = Date.now() - days * dayMs
  const filled = await timed(async () => {
    for (let first = 0; first < batches; first += 10) {
      const bodies = Array.from({ length: Math.min(10, batches - first) }, (_, place) =>
        bodyOf(
          'fill',
          (first + place) * batchSize,
          new Date(start + ((first + place) / batches) * days * dayMs),
        ),
      )
      await sendAll(told, bodies, 2)
    }
  })
  const group = `queries at ${events.toLocaleString('en-US')} events of ${customersOfBench} customers in ${days} days`
  measures.add({
    group,
    name: 'filling, 2 batches of 1,000 in flight',
    value: events / filled.seconds,
    unit: 'events/s',
  })
  const from = new Date(Math.floor(start / dayMs) * dayMs).toISOString()
  const day = new Date(Math.floor(Date.now() / dayMs - 3) * dayMs)
  const cut = new Date(start + 12_345_678).toISOString()
  const by = (path: string) => (customer: number) =>
    `/v1/usage?meter=tokens&customer=${benchCustomer(customer)}${path}`
  const questions: [string, (customer: number) => string][] = [
    [
      'a day of a customer by hour',
      by(`&from=${day.toISOString()}&before=${new Date(+day + dayMs).toISOString()}&bucket=hour`),
    ],
    ['30 days of a customer by day and country', by(`&from=${from}&bucket=day&group_by=dimensions.country`)],
    ['30 days of a customer from an odd second', by(`&from=${cut}`)],
    ['30 days of a license', (at) => `/v1/usage?meter=tokens&from=${from}&license=lic_${at}`],
    ['30 days of an API key', (at) => `/v1/usage?meter=tokens&from=${from}&api_key=key-${at}`],
  ]
  for (const [name, pathOf] of questions) {
    const load = Array.from({ length: customersOfBench }, (_, customer) => request(told, pathOf(customer)))
    await httpLoad(told.url, load, 1, 1)
    const before = await cpuMicros()
    const { p50, p99, rate } = await httpLoad(told.url, load, seconds, 1)
    const micros = Math.round(((await cpuMicros()) - before) / (rate * seconds))
    measures.add({
      group,
      name,
      value: p50,
      unit: 'ms p50',
      ratio: p99 > 0 ? 10 / p99 : 10,
      against: '10 ms ÷ p99',
      goal: 1,
      note: `p99 ${p99} ms, ${Math.round(rate)} queries/s one at a time, ${micros} µs of the main thread each`,
    })
  }
}

function bodyOf(run: string, first: number, at: Date): string {
  const events = Array.from({ length: batchSize }, (_, turn) => sampleUsage(run, first + turn, at))
  return JSON.stringify({ events })
}

async function sendAll(told: UsageListening, bodies: readonly string[], inFlight: number): Promise<void> {
  const waiting = bodies.values()
  const answers: string[] = []
  const send = async () => {
    for (const body of waiting) answers.push(await post(told, '/v1/usage-reports', body))
  }
  await Promise.all(Array.from({ length: inFlight }, send))
  for (const answer of answers)
    if (!answer.includes(`"accepted":${batchSize},`)) throw new Error(answer.slice(0, 300))
}

async function post(told: UsageListening, path: string, body: unknown): Promise<string> {
  const { path: _, ...init } = request(told, path, body)
  const headers = {
    ...init.headers,
    ...(path === '/v1/usage-reports' ? {} : { 'idempotency-key': crypto.randomUUID() }),
  }
  const answer = await fetch(told.url + path, { ...init, headers })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 300)}`)
  return text
}

function request({ key }: UsageListening, path: string, body?: unknown): LoadRequest {
  const headers = { authorization: `Bearer ${key}` }
  if (body === undefined) return { method: 'GET', path, headers }
  return {
    method: 'POST',
    path,
    headers: { ...headers, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}
