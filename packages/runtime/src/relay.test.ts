import { openStore, replace } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { leases, leaseTerms } from './lease.ts'
import { createLog } from './log.ts'
import type { Loop } from './loop.ts'
import { createMetrics } from './metrics.ts'
import { outbox, outboxEvent } from './outbox.ts'
import { relay } from './relay.ts'
import type { RelayOptions } from './relay.ts'

const log = createLog({ name: 'test', level: 'silent' })
const start = Date.parse('2026-01-01T00:00:00Z')
let store: Store
let database: TestDatabase
let time = start
let relays: Loop[]

beforeEach(async () => {
  database = await testDatabase()
  store = await openStore(database.url, {
    name: 'relay-test',
    collections: [outbox, leases, leaseTerms],
  })
  time = start
  relays = []
})
afterEach(async () => {
  await Promise.all(relays.map((running) => running.stop()))
  await store.close()
  await database.drop()
})

const event = (id: string) =>
  outboxEvent({ id, tenant: 'acct_a', type: 'thing.made', at: new Date(time), data: { id } })

function startRelay(owner: string, options: Pick<RelayOptions, 'deliver'> & Partial<RelayOptions>): Loop {
  const running = relay({
    store,
    owner,
    now: () => new Date(time),
    log,
    everyMs: 2,
    maxBackoffMs: 5,
    ttlMs: 200,
    ...options,
  })
  relays.push(running)
  return running
}

async function emptied(): Promise<void> {
  while ((await store.find(outbox.byDue, { equals: ['events'] })).items.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test('delivers in the order of writing, within one millisecond too, and then forgets', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `evt_${(index * 7919) % 50}`)
  for (const id of ids) await store.commit([event(id)])
  const delivered: string[] = []
  startRelay('a', {
    batchSize: 7,
    deliver: async (events) => void delivered.push(...events.map(({ id }) => id)),
  })
  await emptied()
  expect(delivered).toEqual(ids)
})

test('a crash between delivery and removal delivers again, and loses nothing', async () => {
  await store.commit([event('evt_1'), event('evt_2')])
  const delivered: string[] = []
  // Long, so that the relay that crashes does not renew while the other takes over.
  const ttlMs = 60_000
  const crashed = startRelay('a', {
    ttlMs,
    deliver: async (events) => {
      delivered.push(...events.map(({ id }) => id))
      // Another process takes over while the acknowledgement is on its way: the removal must not happen.
      const term = await store.get(leaseTerms, 'relay.events')
      time += ttlMs
      expect(term).toBeDefined()
      const { promise: deliveredAgain, resolve } = Promise.withResolvers<void>()
      startRelay('b', {
        ttlMs,
        deliver: async (again) => {
          delivered.push(...again.map(({ id }) => `again ${id}`))
          resolve()
        },
      })
      await deliveredAgain
    },
  })
  await emptied()
  await crashed.stop()
  expect(delivered).toEqual(['evt_1', 'evt_2', 'again evt_1', 'again evt_2'])
})

test('one event that is always refused holds up no other, and is seen in the metrics', async () => {
  const metrics = createMetrics()
  await store.commit(['evt_1', 'evt_bad', 'evt_2', 'evt_3', 'evt_4'].map(event))
  const delivered: string[] = []
  const attempts = Promise.withResolvers<void>()
  let refused = 0
  startRelay('a', {
    metrics,
    // Minutes pass at each look at the clock, so that what was set aside comes back soon.
    now: () => new Date((time += 60_000)),
    deliver: async (events) => {
      if (events.some(({ id }) => id === 'evt_bad')) {
        if (events.length === 1 && ++refused === 6) attempts.resolve()
        throw new Error('no')
      }
      delivered.push(...events.map(({ id }) => id))
    },
  })
  await attempts.promise
  await relays[0]?.stop()
  expect(delivered).toEqual(['evt_1', 'evt_2', 'evt_3', 'evt_4'])
  expect(await store.get(outbox, 'evt_bad')).toMatchObject({ stuck: true })
  expect((await metrics.outboxStuck.get()).values).toMatchObject([{ value: 1 }])
})

test('an outage of the destination delays events and loses none', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `evt_${index}`)
  await store.commit(ids.map(event))
  let failures = 0
  const delivered = new Set<string>()
  startRelay('a', {
    deliver: async (events) => {
      if (failures++ < 12) {
        time += 1000
        throw new Error('down')
      }
      time += 1000
      for (const { id } of events) delivered.add(id)
    },
  })
  await emptied()
  expect([...delivered].sort()).toEqual(ids.sort())
})

test('after an outage all that waits is carried at once in its order, though time has not moved; its age is told', async () => {
  const metrics = createMetrics()
  const ids = ['evt_1', 'evt_2']
  await store.commit(ids.map(event))
  const wrote = time
  const delivered: string[] = []
  let failures = 0
  const fail = async () => {
    // An hour into the outage both events wait for their next attempt; from then on no time passes.
    if (failures++ < 8) time += 450_000
    if (failures < 20) throw new Error('down')
  }
  startRelay('a', {
    metrics,
    deliver: async (events) => {
      await fail()
      delivered.push(...events.map(({ id }) => id))
    },
  })
  await emptied()
  await relays[0]?.stop()
  expect(delivered.toSorted()).toEqual(ids)
  expect(time - wrote).toBe(3_600_000)
  await store.commit([event('evt_old')])
  const [old] = (await store.find(outbox.byDue, { equals: ['events'] })).items
  if (!old) throw new Error('it was written')
  const { version, ...aside } = old
  const dueAt = new Date(time + 600_000)
  await store.commit([replace(outbox, { ...aside, attempts: 12, parked: true, dueAt }, version)])
  time += 300_000
  startRelay('b', { metrics, deliver: () => Promise.reject(new Error('down')) })
  while ((await metrics.outboxOldestSeconds.get()).values[0]?.value !== 300)
    await new Promise((resolve) => setTimeout(resolve, 2))
})

test('events that are refused for good are not asked for again by each one that is taken', async () => {
  const bad = Array.from({ length: 4 }, (_, place) => `evt_bad${place}`)
  await store.commit(bad.map(event))
  const delivered: string[] = []
  let refused = 0
  startRelay('a', {
    deliver: async (events) => {
      if (events.some(({ id }) => bad.includes(id))) {
        refused += events.length === 1 ? 1 : 0
        throw new Error('no')
      }
      delivered.push(...events.map(({ id }) => id))
    },
  })
  const good = Array.from({ length: 20 }, (_, place) => `evt_${place}`)
  for (const id of good) {
    await store.commit([event(id)])
    while (!delivered.includes(id)) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const before = refused
  for (const id of good) {
    await store.commit([event(`${id}_more`)])
    while (!delivered.includes(`${id}_more`)) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(refused - before).toBeLessThanOrEqual(bad.length)
  expect((await store.find(outbox.parked, { equals: ['events'] })).items).toHaveLength(bad.length)
})
