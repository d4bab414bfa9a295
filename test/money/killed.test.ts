import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { afterEach, expect, test } from 'vitest'
import { billingCollections } from '../../services/billing/src/collections.ts'
import { invoices } from '../../services/billing/src/invoices/collections.ts'
import { payments } from '../../services/billing/src/payments/collections.ts'
import { sandboxDeeds } from '../../services/billing/src/payments/sandbox-provider.ts'
import { usageEvents } from '../../services/billing/src/usage/collections.ts'
import { wrongWithMoney } from './check-money.ts'
import { insist, loadService } from './killed-service.ts'
import type { Answer, KilledService, WaitingService } from './killed-service.ts'
import { openMarketplace } from './marketplace.ts'
import type { Marketplace } from './marketplace.ts'
import { seededRandom } from './random.ts'
import { allOf } from './steps.ts'

const { MONEY_SEED: seed = '20261121', MONEY_KILLS: kills = '50' } = process.env
const rounds = Number(kills)
const random = seededRandom(Number(seed))
const tenant = 'acct_killed'
const subscribers = 16
const dayMs = 86_400_000
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** A request of a client, and its answer once there is one. */
interface Request {
  path: string
  key: string
  body: Record<string, unknown>
  answer?: Answer
}

/** What the clients of all rounds have asked and were told. */
interface Clients {
  service: KilledService
  customer: string
  clock: string
  time: number
  /** Months that the clock was sent through. */
  months: number
  asked: Request[]
  /** Sent, and cut off by a kill. */
  cutOff: Request[]
  /** Quantities by event id, of all events ever sent. */
  sent: Map<string, number>
  requests: number
}

function clientsOf(service: KilledService): Clients {
  const nothing = { asked: [], cutOff: [], sent: new Map<string, number>(), requests: 0, months: 0 }
  return { service, customer: '', clock: '', time: Date.UTC(2026, 0, 1, 12), ...nothing }
}

async function ask(
  clients: Clients,
  path: string,
  body: Record<string, unknown>,
): Promise<Answer | undefined> {
  const request: Request = { path, key: `key-${clients.requests++}`, body }
  clients.asked.push(request)
  const answer = await clients.service.post(path, request.key, body)
  if (answer) request.answer = answer
  else clients.cutOff.push(request)
  return answer
}

async function made(clients: Clients, path: string, body: Record<string, unknown>): Promise<string> {
  const answer = await ask(clients, path, body)
  if (answer?.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer)}`)
  return String(answer.body['id'])
}

/** A month of subscriptions by a clock, customers with cards, and a meter. */
async function furnish(clients: Clients): Promise<void> {
  const now = new Date(clients.time).toISOString()
  clients.clock = await made(clients, '/v1/test-clocks', { name: 'time', now })
  const card = { payment_method: '4242424242424242' }
  clients.customer = await made(clients, '/v1/customers', { reference: 'dev', ...card })
  const meter = await made(clients, '/v1/meters', { name: 'tokens', metric: 'tokens', aggregation: 'sum' })
  const recurring = { interval: 'month' }
  const flat = { model: 'flat', amount: 1900, currency: 'USD', recurring }
  const used = { model: 'per_unit', unit_amount: '0.25', currency: 'USD', recurring }
  const prices = [
    await made(clients, '/v1/prices', { name: 'Base', definition: flat }),
    await made(clients, '/v1/prices', { name: 'Use', definition: used, meter }),
  ]
  const plan = await made(clients, '/v1/plans', { name: 'Plan', currency: 'USD', prices })
  for (let one = 0; one < subscribers; one++) {
    const about = { reference: `sub_${one}`, test_clock: clients.clock, ...card }
    const customer = await made(clients, '/v1/customers', about)
    await made(clients, '/v1/subscriptions', { customer, plan })
  }
}

/** Reports events until the service dies; some again, some in several batches at once. */
async function ingest(clients: Clients, round: number, lane: number): Promise<void> {
  for (let batch = 0; ; batch++) {
    const events = Array.from({ length: random.between(1, 40) }, (_, place) => {
      const before = [...clients.sent.keys()]
      const again = before.length > 0 && random.chance(0.1)
      const event_id = again ? random.pick(before) : `${round}-${lane}-${batch}-${place}`
      const quantity = clients.sent.get(event_id) ?? random.between(1, 9)
      clients.sent.set(event_id, quantity)
      return { event_id, customer: 'dev', metric: 'tokens', quantity: String(quantity), purpose: 'train' }
    })
    if (!(await ask(clients, '/v1/usage-reports', { events }))) return
  }
}

/** Holds, captures and gives back until the service dies. */
async function takeMoney(clients: Clients): Promise<void> {
  const { customer } = clients
  for (;;) {
    const held = await ask(clients, '/v1/payments/authorize', { customer, amount: random.between(100, 900) })
    if (!held) return
    const payment = String(held.body['id'])
    if (!(await ask(clients, '/v1/payments/capture', { payment, amount: random.between(1, 100) }))) return
    if (!random.chance(0.3)) continue
    if (!(await ask(clients, '/v1/payments/refund', { payment }))) return
  }
}

/** Lets a month pass: invoices for everybody, each collected. */
async function bill(clients: Clients): Promise<void> {
  for (;;) {
    clients.months++
    clients.time += 31 * dayMs
    const to = new Date(clients.time).toISOString()
    if (!(await ask(clients, `/v1/test-clocks/${clients.clock}/advance`, { to }))) return
  }
}

const loads: readonly ((clients: Clients, round: number) => Promise<unknown>)[] = [
  (clients, round) => Promise.all([0, 1, 2].map((lane) => ingest(clients, round, lane))),
  (clients) => bill(clients),
  (clients) => Promise.all([0, 1, 2].map(() => takeMoney(clients))),
]

/** Kills the service at a random point of a load. */
async function killAmid(clients: Clients, round: number): Promise<void> {
  const load = loads[round % loads.length]?.(clients, round)
  const before = clients.asked.length
  // A number of requests, and a moment within the next.
  const wanted = before + random.below(round % loads.length === 1 ? 2 : 12)
  while (clients.asked.length < wanted) await pause(2)
  await pause(random.between(0, round % loads.length === 1 ? 400 : 60))
  await clients.service.end('SIGKILL')
  await load
}

/** What was cut off is asked again with the same words and key, and now is done, once. */
async function goOn(clients: Clients): Promise<void> {
  for (const request of clients.cutOff.splice(0)) {
    const answer = await insist(clients.service, request)
    if (answer.status >= 300) throw new Error(`${request.path} again: ${JSON.stringify(answer)}`)
    request.answer = answer
  }
  // And a repetition of what was answered gets the same answer.
  const keyed = clients.asked.filter(({ answer }) => answer !== undefined)
  for (let one = 0; one < 5; one++) {
    const request = random.pick(keyed)
    const { status, body } = await insist(clients.service, request)
    expect({ path: request.path, status, body }).toEqual({ path: request.path, ...request.answer })
  }
}

/** What is missing of what the answers promised; `whole`: or is there and was never told. */
async function lostOf(clients: Clients, market: Marketplace, whole: boolean): Promise<string[]> {
  const lost = await wrongWithMoney(market)
  const kept = new Map((await allOf(market, usageEvents.byTenant)).map((one) => [one.event, one]))
  const told = new Set<string>()
  for (const { path, answer } of clients.asked) {
    if (path !== '/v1/usage-reports' || !answer) continue
    for (const outcome of answer.body['data'] as { event_id: string; id: string; audit_id: string }[]) {
      const { event_id: event, id, audit_id } = outcome
      const found = kept.get(event)
      told.add(event)
      if (found?.id !== id || found.auditId !== audit_id) lost.push(`event ${event} is not ${id}`)
      if (Number(found?.quantity) !== clients.sent.get(event))
        lost.push(`event ${event} counts something else`)
    }
  }
  for (const event of kept.keys()) if (!clients.sent.has(event)) lost.push(`event ${event} was never sent`)
  if (whole && kept.size !== told.size) lost.push(`${kept.size} events are kept, ${told.size} were told`)
  const paid = new Map((await allOf(market, payments.byTenant)).map((one) => [one.id, one]))
  for (const { path, body, answer } of clients.asked) {
    if (path !== '/v1/payments/capture' || answer?.status !== 200) continue
    const captured = paid.get(String(body['payment']))?.captured
    if (captured !== BigInt(Number(body['amount']))) lost.push(`${String(body['payment'])} took ${captured}`)
  }
  return lost
}

/** The meter counts each event once, and the same when it is counted anew. */
async function requireCounted(clients: Clients): Promise<void> {
  const { service, sent } = clients
  const { body } = await service.get('/v1/meters')
  const [meter] = body['data'] as { id: string }[]
  const total = async () => (await service.get('/v1/usage?meter=tokens&customer=dev')).body['total']
  const counted = await total()
  expect(Number(counted)).toBe([...sent.values()].reduce((sum, quantity) => sum + quantity, 0))
  expect((await ask(clients, `/v1/meters/${meter?.id}/rebuild`, {}))?.status).toBe(200)
  expect(await total()).toBe(counted)
}

/** Each subscription has one invoice a month, each invoice was paid by one payment. */
async function requireBilled(clients: Clients, market: Marketplace): Promise<void> {
  const all = await allOf(market, invoices.byTenant)
  const bySubscription = Map.groupBy(all, ({ subscription }) => subscription)
  expect(bySubscription.size).toBe(subscribers)
  const counts = new Set<number>()
  for (const ofOne of bySubscription.values()) {
    expect(new Set(ofOne.map(({ finalizedAt }) => finalizedAt?.getTime())).size).toBe(ofOne.length)
    counts.add(ofOne.length)
  }
  expect(counts.size).toBe(1)
  expect([...counts][0]).toBeGreaterThanOrEqual(clients.months)
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['paid']))
  const taken = await allOf(market, payments.byTenant)
  const captured = taken.filter(({ invoice, status }) => invoice !== undefined && status === 'captured')
  expect(captured.length).toBe(all.length)
  expect(new Set(captured.map(({ invoice }) => invoice))).toEqual(new Set(all.map(({ id }) => id)))
}

/** The sandbox was asked for each capture once, and for each refund. */
async function requireAskedOnce(market: Marketplace, store: Store): Promise<void> {
  const deeds = []
  for await (const deed of store.scanAll(sandboxDeeds)) deeds.push(deed)
  const captures = deeds.filter(({ action, outcome }) => action === 'capture' && outcome === 'succeeded')
  expect(new Set(captures.map(({ reference }) => reference)).size).toBe(captures.length)
  const taken = (await allOf(market, payments.byTenant)).filter(({ captured }) => captured > 0n)
  expect(captures.length).toBe(taken.length)
  for (const { intent } of await allOf(market, payments.byTenant)) expect(intent).toBeUndefined()
}

test(`killed ${rounds} times amid ingestion, billing runs and captures, the service loses nothing and does nothing twice`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-killed-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  const clients = clientsOf(await loadService(folder).start(0))
  let waiting: WaitingService | undefined
  cleanups.push(() => clients.service.end('SIGKILL'))
  cleanups.push(() => waiting?.drop())
  await furnish(clients)
  const store = await openStore(`sqlite:${folder}`, { name: 'billing-test', collections: billingCollections })
  cleanups.push(() => store.close())
  const market = openMarketplace(random, [store, store], { tenant })
  for (let round = 0; round < rounds; round++) {
    waiting = loadService(folder)
    await killAmid(clients, round)
    expect(await lostOf(clients, market, false)).toEqual([])
    clients.service = await waiting.start((round + 1) * 120_000)
    await goOn(clients)
  }
  await requireCounted(clients)
  expect(await clients.service.end('SIGTERM')).toBe(0)
  expect(await lostOf(clients, market, true)).toEqual([])
  await requireBilled(clients, market)
  await requireAskedOnce(market, store)
}, 1_800_000)
