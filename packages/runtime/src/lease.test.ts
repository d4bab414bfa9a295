import { setTimeout as pause } from 'node:timers/promises'
import { collection, insert, openStore, StaleVersion } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { leaderLoop } from './leader-loop.ts'
import {
  acquireLease,
  fenced,
  holdLease,
  isFencedOff,
  leases,
  leaseTerms,
  releaseLease,
  renewLease,
} from './lease.ts'
import type { LeaseOptions } from './lease.ts'
import { createLog } from './log.ts'

const entries = collection('entries', { schema: z.strictObject({ id: z.string() }), partition: 'id' })
const log = createLog({ name: 'test', level: 'silent' })
const ttlMs = 10_000

let store: Store
let database: TestDatabase
let time: number
let as: (owner: string) => LeaseOptions

beforeEach(async () => {
  database = await testDatabase()
  store = await openStore(database.url, {
    name: 'lease-test',
    collections: [leases, leaseTerms, entries],
  })
  time = Date.parse('2026-01-01T00:00:00Z')
  as = (owner) => ({ store, name: 'sequencer', owner, now: () => new Date(time), ttlMs })
})
afterEach(async () => {
  await store.close()
  await database.drop()
})

async function acquired(owner: string) {
  const lease = await acquireLease(as(owner))
  if (!lease) throw new Error(`${owner} did not get the lease`)
  return lease
}

test('one owner at a time, whoever asks first', async () => {
  const owners = ['a', 'b', 'c', 'd', 'e']
  const won = await Promise.all(owners.map((owner) => acquireLease(as(owner))))
  expect(won.filter(Boolean)).toHaveLength(1)
  time += ttlMs - 1
  expect(await acquireLease(as('f'))).toBeUndefined()
})

test('a lease that ran out goes to one of those who ask, with a higher fence', async () => {
  const first = await acquired('a')
  time += ttlMs
  const won = (await Promise.all(['b', 'c', 'd'].map((owner) => acquireLease(as(owner))))).filter((l) => !!l)
  expect(won).toHaveLength(1)
  expect(won[0]?.fence).toBe(first.fence + 1)
})

test('a commit of the former holder fails, however late it comes, and its renewal too', async () => {
  const old = await acquired('a')
  time += ttlMs
  await acquired('b')
  const late = await store
    .commit([fenced(old), insert(entries, { id: '0' })])
    .catch((error: unknown) => error)
  expect(late).toBeInstanceOf(StaleVersion)
  expect(isFencedOff(late)).toBe(true)
  expect(await store.get(entries, '0')).toBeUndefined()
  expect(await renewLease(old, as('a'))).toBe(false)
  await releaseLease(old, store)
  expect(await acquireLease(as('c'))).toBeUndefined()
})

test('renewals keep the lease and do not break a fenced commit', async () => {
  const lease = await acquired('a')
  const write = fenced(lease)
  for (let round = 0; round < 5; round++) {
    time += ttlMs - 1
    expect(await renewLease(lease, as('a'))).toBe(true)
    expect(await acquireLease(as('b'))).toBeUndefined()
    await store.commit([write, insert(entries, { id: String(round) })])
  }
})

test('a holder whose clock ran an hour ahead, and that died, holds nobody up for an hour', async () => {
  const shortly = 100
  const dead = { ...as('dead'), now: () => new Date(time + 3_600_000), ttlMs: shortly }
  const lease = await acquireLease(dead)
  const competitor = { ...as('b'), ttlMs: shortly, watched: {} }
  expect(await acquireLease(competitor)).toBeUndefined()
  await pause(2 * shortly)
  // It was renewed since it was seen, so it is not dead yet.
  expect(lease && (await renewLease(lease, dead))).toBe(true)
  expect(await acquireLease(competitor)).toBeUndefined()
  await pause(2 * shortly)
  expect(await acquireLease(competitor)).toMatchObject({ owner: 'b', fence: 2 })
  expect(lease && (await renewLease(lease, dead))).toBe(false)
})

test('a released lease is free at once', async () => {
  const first = await acquired('a')
  await releaseLease(first, store)
  expect((await acquired('b')).fence).toBe(first.fence + 1)
})

test('the same owner does not get its lease twice', async () => {
  await acquired('a')
  expect(await acquireLease(as('a'))).toBeUndefined()
})

test('held work is told when another owner took over', async () => {
  const options = { ...as('a'), ttlMs: 30, log }
  const held = holdLease(options, async (lease) => {
    // The clock of another machine runs ahead: it sees the lease run out.
    const ahead = { ...as('b'), now: () => new Date(time + 60_000) }
    expect(await acquireLease(ahead)).toBeDefined()
    if (!lease.signal.aborted) await new Promise((resolve) => lease.signal.addEventListener('abort', resolve))
  })
  expect(await held).toBe(true)
})

test('work that fails rejects and frees the lease; work that was fenced off merely ends', async () => {
  const options = { ...as('a'), log }
  const fail = () => Promise.reject(new Error('broken'))
  await expect(holdLease(options, fail)).rejects.toThrow('broken')
  const ended = await holdLease(options, async (lease) => {
    await acquireLease({ ...as('b'), now: () => new Date(time + 60_000) })
    await store.commit([fenced(lease), insert(entries, { id: '1' })])
  })
  expect(ended).toBe(true)
  expect(await store.get(entries, '1')).toBeUndefined()
})

test('two leader loops share a log: each entry once, no gap, and the second takes over when the first stops', async () => {
  const done = Promise.withResolvers<void>()
  const tenures: string[] = []
  const start = (owner: string) =>
    leaderLoop({
      ...as(owner),
      ttlMs: 60,
      now: () => new Date(),
      log,
      everyMs: 1,
      begin: async (lease) => {
        tenures.push(owner)
        let next = 0
        while (await store.get(entries, String(next))) next++
        return async () => {
          await store.commit([fenced(lease), insert(entries, { id: String(next) })])
          if (++next === 40) done.resolve()
          // Every tenth step fails, and the tenure with it.
          if (next % 10 === 0) throw new Error('stumbled')
        }
      },
    })
  const loops = [start('a'), start('b')]
  await done.promise
  await Promise.all(loops.map((running) => running.stop()))
  for (let id = 0; id < 40; id++) expect(await store.get(entries, String(id))).toBeDefined()
  expect(tenures.length).toBeGreaterThanOrEqual(4)
})
