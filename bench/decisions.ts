import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { licenseTerms } from '@tallystick/protocol'
import type { Decision } from '@tallystick/protocol'
import { outbox, outboxEvent } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'
import { policyFor } from '../services/licensing/src/decisions/decide.ts'
import type { ItemFacts, Use } from '../services/licensing/src/decisions/policy-facts.ts'
import { startDecisionsChild } from './child-process.ts'
import type { Child } from './child-process.ts'
import type { DecisionsListening } from './decisions-child.ts'
import {
  benchBuyer,
  benchHash,
  benchTenant,
  coverOf,
  fillCatalog,
  itemsOfAgreement,
  itemsOfDataset,
} from './decisions-data.ts'
import type { CatalogSize } from './decisions-data.ts'
import { besideBare, httpLoad } from './http-load.ts'
import type { LoadRequest, LoadResult } from './http-load.ts'
import { rateOf, timed } from './measure.ts'
import type { Measures } from './measure.ts'

const size: CatalogSize = { items: 100_000, agreements: 10_000, buyers: 100 }
const itemsOfBatch = 1000
const use: Use = { purpose: 'train', region: 'DE', modelId: 'model-1', at: new Date('2026-06-01T00:00:00Z') }

/** Decisions by the policy alone and over HTTP, beside an empty route of the same server. */
export async function benchDecisions(measures: Measures, seconds: number): Promise<void> {
  benchPolicy(measures, seconds)
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  try {
    const filled = await timed(() => fillCatalog(folder, size))
    console.log(`  ${size.items} items and ${size.agreements} agreements in ${filled.seconds.toFixed(1)} s`)
    await using service = await startDecisionsChild(folder, benchTenant)
    await benchCommits(measures, folder, seconds)
    await benchHttp(measures, service, seconds)
    measures.add({
      group: 'decisions over HTTP',
      name: 'resident memory of the service afterwards',
      value: (await service.rss()) / 2 ** 20,
      unit: 'MiB',
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function benchPolicy(measures: Measures, seconds: number): void {
  const facts = Array.from({ length: itemsOfBatch }, (_, turn) => factsAt(turn))
  const alone = (turn: number) => policyFor(use).decide(facts[turn % itemsOfBatch] ?? factsAt(0))
  if (alone(0).decision !== 'permit') throw new Error('the policy does not permit the sample')
  const goal = { against: '100,000/s', goal: 1 }
  const one = policyRate(alone, seconds)
  const group = 'policy alone, by processor time'
  measures.add({ group, name: 'one item a use', value: one, unit: 'items/s', ratio: one / 100_000, ...goal })
  const batches = policyRate(() => {
    const policy = policyFor(use)
    for (const item of facts) policy.decide(item)
  }, seconds)
  const many = batches * itemsOfBatch
  measures.add({
    group,
    name: '1,000 items a use',
    value: many,
    unit: 'items/s',
    ratio: many / 100_000,
    ...goal,
  })
}

/** Calls a second of this thread's processor time, which other work on the machine does not stretch. */
function policyRate(work: (turn: number) => unknown, seconds: number): number {
  const spent = () => process.threadCpuUsage().user + process.threadCpuUsage().system
  const end = performance.now() + seconds * 1000
  let turn = 0
  // The first half is for warming up.
  while (performance.now() < end - seconds * 500) work(turn++)
  const first = turn
  const before = spent()
  while (performance.now() < end) work(turn++)
  return ((turn - first) / (spent() - before)) * 1e6
}

/** Two agreements, of which the second permits, and one consent. */
function factsAt(turn: number): ItemFacts {
  const at = new Date('2026-01-01T00:00:00Z')
  const license = (id: string, models: string[]) => ({
    id,
    status: 'active' as const,
    terms: licenseTerms.parse({ region_restrictions: ['EU'], models }),
    effectiveFrom: at,
    history: [{ status: 'active' as const, at }],
  })
  return {
    hash: benchHash(turn),
    item: { id: `item_${turn}`, prohibitedUses: [] },
    dataset: { id: 'ds_1', consentRequired: true, prohibitedUses: ['inference'] },
    consents: [{ id: `cons_${turn}`, subject: 'person_1', purposes: ['train'], regions: [], grantedAt: at }],
    licenses: [license(`lic_b${turn}`, ['model-1']), license(`lic_a${turn}`, ['model-2'])],
    offers: [],
  }
}

/** What the storage alone does of the one thing that every decision must wait for. */
async function benchCommits(measures: Measures, folder: string, seconds: number): Promise<void> {
  const store = await openStore(`sqlite:${folder}`, { name: 'commits', collections: [outbox] })
  try {
    const at = new Date()
    const event = (turn: number) =>
      outboxEvent({ id: `evt_${turn}`, tenant: benchTenant, at, type: 'bench', data: { turn } })
    const rate = await rateOf((turn) => store.commit([event(turn)]), { inFlight: 32, seconds })
    const name = 'durable commits of one event, 32 in flight'
    measures.add({ group: 'raw limits', name, value: rate, unit: 'commits/s' })
  } finally {
    await store.close()
  }
}

async function benchHttp(
  measures: Measures,
  service: Child<DecisionsListening>,
  seconds: number,
): Promise<void> {
  const { told } = service
  const singles = Array.from({ length: 1000 }, (_, turn) => single(told, turn))
  const batches = Array.from({ length: 20 }, (_, turn) => batch(told, turn))
  await Promise.all([requirePermit(told.url, singles[0]), requirePermit(told.url, batches[0])])
  const group = 'decisions over HTTP'
  const many = Array.from({ length: size.agreements }, (_, turn) => single(told, turn))
  const all = Array.from({ length: size.items }, (_, turn) => single(told, turn))
  const loads = [
    // A service runs for days: its first twenty seconds, while V8 still compiles, are not what it costs.
    { connections: 32, requests: singles, warmUp: 20, of: 'of 1,000' },
    { connections: 128, requests: singles, warmUp: 2, of: 'of 1,000' },
    { connections: 128, requests: many, warmUp: 8, of: 'of 10,000, an agreement each' },
    { connections: 128, requests: all, warmUp: 4, of: 'of 100,000, more than are kept in memory' },
  ]
  for (const { connections, requests, warmUp, of } of loads) {
    const options = { seconds: 3 * seconds, warmUp, connections }
    const { asked, bareRate } = await besideBare(told.url, { requests, bare: { path: '/bare' } }, options)
    measures.add({
      group,
      name: `one item ${of}, its receipt durably promised, ${connections} in flight`,
      value: asked.rate,
      unit: 'decisions/s',
      ratio: asked.rate / bareRate,
      against: `empty route (${Math.round(bareRate)}/s)`,
      goal: 0.25,
      note: latency(asked),
    })
  }
  const load = loadOf(service, seconds)
  const alone = await load(singles, 1)
  const name = 'one item, one at a time'
  measures.add({ group, name, value: alone.rate, unit: 'decisions/s', note: alone.note })
  for (const connections of [1, 4]) {
    const whole = await load(batches, connections)
    const rate = whole.rate * itemsOfBatch
    measures.add({
      group,
      name: `1,000 items, ${connections} in flight`,
      value: rate,
      unit: 'items/s',
      ratio: rate / 20_000,
      against: '20,000/s',
      goal: 1,
      note: whole.note,
    })
  }
}

/** Sends loads after a second of warming up, and notes latency and the processor time of the service. */
function loadOf(service: Child<DecisionsListening>, seconds: number) {
  return async (requests: readonly LoadRequest[], connections: number) => {
    const { url } = service.told
    await httpLoad(url, requests, 1, connections)
    const before = await service.cpuMicros()
    const { rate, p50, p99 } = await httpLoad(url, requests, seconds, connections)
    const micros = ((await service.cpuMicros()) - before) / (rate * seconds)
    return {
      rate,
      note: `${latency({ p50, p99 })}; ${Math.round(micros)} µs of processor time each, all threads`,
    }
  }
}

function latency({ p50, p99 }: Pick<LoadResult, 'p50' | 'p99'>): string {
  return `p50 ${p50} ms, p99 ${p99} ms`
}

async function requirePermit(url: string, request: LoadRequest | undefined): Promise<void> {
  const { path = '', ...init } = request ?? {}
  const answer = await fetch(url + path, init)
  const decision = (await answer.json()) as Decision
  if (!answer.ok || decision.decision !== 'permit') throw new Error(JSON.stringify(decision).slice(0, 2000))
}

/** An item under an agreement of its buyer, by its dataset or by its hash in turn; another in each round of all agreements. */
function single(told: DecisionsListening, turn: number): LoadRequest {
  const agreement = (turn * 37) % size.agreements
  const round = Math.floor(turn / size.agreements)
  const cover = coverOf(agreement, size)
  const item =
    'dataset' in cover
      ? cover.dataset * itemsOfDataset + ((turn + round) % itemsOfDataset)
      : cover.first + (round % itemsOfAgreement)
  return request(told, agreement % size.buyers, [item])
}

/** Ten datasets that a buyer has agreements over. */
function batch(told: DecisionsListening, turn: number): LoadRequest {
  const buyer = (turn * 2) % size.buyers
  const items: number[] = []
  for (let agreement = buyer; items.length < itemsOfBatch; agreement += size.buyers) {
    const cover = coverOf(agreement, size)
    if (!('dataset' in cover)) continue
    for (let place = 0; place < itemsOfDataset; place++) items.push(cover.dataset * itemsOfDataset + place)
  }
  return request(told, buyer, items)
}

function request({ key }: DecisionsListening, buyer: number, items: readonly number[]): LoadRequest {
  const body = {
    actor: benchBuyer(buyer),
    items: items.map(benchHash),
    purpose: use.purpose,
    region: use.region,
    model_id: use.modelId,
  }
  return {
    method: 'POST',
    path: '/v1/decisions',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}
