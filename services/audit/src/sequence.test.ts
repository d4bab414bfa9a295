import { setImmediate as turn } from 'node:timers/promises'
import { ensure, StorageError } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { batches, positions, queue, signingKeys } from './collections.ts'
import { logSize } from './log-reader.ts'
import { allEntries, checkLog, openLog, origin } from './log-world.ts'
import type { LogWorld } from './log-world.ts'
import { beginSequencing } from './sequence.ts'

let world: LogWorld
let log: { store: Store; origin: string }
beforeEach(async () => {
  world = await openLog()
  log = { store: world.store, origin }
})
afterEach(() => world.close())

/** A write that fences nobody off: the commit must stand by itself. */
const noFence = (): Write =>
  ensure(signingKeys, { id: 'no fence', log: origin, jwk: '', createdAt: new Date(0) })

async function drain(placeNext: () => Promise<number>): Promise<number> {
  let total = 0
  for (let placed = await placeNext(); placed > 0; placed = await placeNext()) total += placed
  return total
}

async function waitingEntries(store: Store): Promise<number> {
  let count = 0
  for await (const { receipts } of store.scanAll(queue)) count += receipts.length
  return count
}

test('tiles are those of a tree built from scratch, whatever the batches were, across 256', async () => {
  const placeNext = await beginSequencing(log, await world.fence())
  let size = 0
  for (const count of [1, 1, 253, 1, 1, 255, 1, 300, 700]) {
    await world.enqueue(count)
    expect(await placeNext()).toBe(count)
    size += count
    expect(await checkLog(world.store)).toBe(size)
  }
  expect(await placeNext()).toBe(0)
})

test('a sequencer that begins anew at any size goes on in the same tree', async () => {
  let size = 0
  for (const count of [1, 254, 1, 1, 255, 1, 255]) {
    await world.enqueue(count)
    size += await drain(await beginSequencing(log, await world.fence()))
    expect(await checkLog(world.store)).toBe(size)
  }
})

test('tiles are right across 65,536, also when begun anew just before, at and after it', async () => {
  for (let left = 65_535; left > 0; left -= 3000) await world.enqueue(Math.min(left, 3000))
  await drain(await beginSequencing(log, await world.fence()))
  expect(await checkLog(world.store)).toBe(65_535)
  for (const count of [1, 1, 255]) {
    await world.enqueue(count)
    expect(await drain(await beginSequencing(log, await world.fence()))).toBe(count)
  }
  expect(await checkLog(world.store)).toBe(65_792)
})

test('positions tell the index of every entry', async () => {
  for (const count of [3, 40, 5]) await world.enqueue(count)
  await drain(await beginSequencing(log, await world.fence()))
  const entries = await allEntries(world.store)
  for (const [index, entry] of entries.entries()) {
    expect((await world.store.get(positions, Buffer.from(entry).toString('hex')))?.index).toBe(index)
  }
})

test('a sequencer without the lease places nothing', async () => {
  const old = await beginSequencing(log, await world.fence())
  await world.fence()
  await world.enqueue(3)
  await expect(old()).rejects.toMatchObject({ code: 'StaleVersion' })
  expect(await logSize(world.store, origin)).toBe(0)
  expect(await waitingEntries(world.store)).toBe(3)
})

test('two sequencers without any lease, through two stores: each index is won once, nothing is lost or doubled', async () => {
  const second = { store: await world.secondStore(), origin }
  const calls = 60
  let lost = 0
  async function race(own: typeof log): Promise<number> {
    let placed = 0
    let placeNext = await beginSequencing(own, noFence)
    // Until all calls are in the log; a lost race begins anew, as a leader's next tenure does.
    while ((await logSize(own.store, origin)) < calls * 7) {
      // Reads are answered at once: without a turn of the event loop no write would ever be acknowledged.
      await turn()
      try {
        placed += await placeNext()
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        expect(['DuplicateKey', 'StaleVersion']).toContain(error.code)
        lost++
        placeNext = await beginSequencing(own, noFence)
      }
    }
    return placed
  }
  const feeding = (async () => {
    for (let call = 0; call < calls; call++) await world.enqueue(7)
  })()
  const [first, other] = await Promise.all([race(log), race(second), feeding])
  expect(first + other).toBe(calls * 7)
  expect(await checkLog(world.store)).toBe(calls * 7)
  expect(await waitingEntries(world.store)).toBe(0)
  expect(lost).toBeGreaterThan(0)
})

test('a commit that fails, stored or not, is made good by beginning anew', async () => {
  for (const stored of [true, false]) {
    await world.enqueue(5)
    const { store } = world
    const failing: Store = {
      ...store,
      get: store.get.bind(store),
      getMany: store.getMany.bind(store),
      find: store.find.bind(store),
      scan: store.scan.bind(store),
      async commit(writes) {
        if (stored) await store.commit(writes)
        throw new StorageError('Unavailable', 'the answer was lost')
      },
    }
    const placeNext = await beginSequencing({ store: failing, origin }, await world.fence())
    await expect(placeNext()).rejects.toThrow('the answer was lost')
    await drain(await beginSequencing(log, await world.fence()))
    expect(await waitingEntries(world.store)).toBe(0)
  }
  expect(await checkLog(world.store)).toBe(10)
})

test('many calls are placed in batches that one commit can take, in the order in which they came', async () => {
  for (let call = 0; call < 6; call++) await world.enqueue(1000)
  const waiting = await world.store.find(queue.byTime, { equals: [origin] })
  const placeNext = await beginSequencing(log, await world.fence())
  expect(await drain(placeNext)).toBe(6000)
  const { items } = await world.store.find(batches.byFirst, { equals: [origin] })
  expect(items.map(({ size }) => size)).toEqual([3000, 3000])
  expect(Buffer.concat(items.map(({ entries }) => entries))).toEqual(
    Buffer.concat(waiting.items.map(({ entries }) => entries)),
  )
})
