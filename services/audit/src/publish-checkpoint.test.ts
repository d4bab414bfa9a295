import { openCheckpoint } from '@tallystick/merkle'
import { remove, replace, StorageError } from '@tallystick/storage'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { batches, checkpoints, tiles } from './collections.ts'
import { latestCheckpoint } from './log-reader.ts'
import { allEntries, openLog, origin, tilesAnew } from './log-world.ts'
import type { LogWorld } from './log-world.ts'
import { BrokenLog, publishCheckpoint } from './publish-checkpoint.ts'
import { beginSequencing } from './sequence.ts'

let world: LogWorld
beforeEach(async () => {
  world = await openLog()
})
afterEach(() => world.close())

async function grow(count: number): Promise<void> {
  await world.enqueue(count)
  const placeNext = await beginSequencing({ store: world.store, origin }, await world.fence())
  await placeNext()
}

async function publish(store = world.store): Promise<boolean> {
  const { signer } = world
  return publishCheckpoint({ store, origin, signer, now: () => new Date() }, await world.fence())
}

async function corrupt(id: string, at: number): Promise<void> {
  const tile = await world.store.get(tiles, id)
  if (!tile) throw new Error(`no tile ${id}`)
  const { version, ...rest } = tile
  const bytes = Uint8Array.from(tile.bytes)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await world.store.commit([replace(tiles, { ...rest, bytes }, version)])
}

test('every head is signed once, with the root of a tree built from scratch', async () => {
  for (const count of [1, 254, 1, 1, 300]) {
    await grow(count)
    expect(await publish()).toBe(true)
    expect(await publish()).toBe(false)
    const latest = await latestCheckpoint(world.store, origin)
    const opened = openCheckpoint(latest?.note ?? '', { logKey: world.signer.verifierKey })
    const { tree } = tilesAnew(await allEntries(world.store))
    expect(opened.size).toBe(tree.size)
    expect(Buffer.from(opened.root)).toEqual(Buffer.from(tree.root))
  }
})

test.each([
  ['an entry that was signed', 40 * 32],
  ['an entry that is new', 110 * 32],
])('after a tile lost %s nothing is signed', async (_, at) => {
  await grow(100)
  await publish()
  await grow(20)
  await corrupt('tile/0/000', at)
  await expect(publish()).rejects.toBeInstanceOf(BrokenLog)
  expect((await latestCheckpoint(world.store, origin))?.size).toBe(100)
})

test('a log that lost its end is not signed', async () => {
  await grow(10)
  await publish()
  for await (const { id } of world.store.scanAll(batches)) {
    await world.store.commit([remove(batches, id)])
  }
  await expect(publish()).rejects.toBeInstanceOf(BrokenLog)
})

test('no size gets two roots: of two who publish at once one wins', async () => {
  await grow(10)
  const second = await world.secondStore()
  const { signer } = world
  const fence = await world.fence()
  const now = () => new Date()
  const outcomes = await Promise.allSettled(
    [world.store, second].map((store) => publishCheckpoint({ store, origin, signer, now }, fence)),
  )
  const lost = outcomes.filter((outcome) => outcome.status === 'rejected')
  for (const { reason } of lost) expect(reason).toBeInstanceOf(StorageError)
  let count = 0
  for await (const { size } of world.store.scanAll(checkpoints)) count += size === 10 ? 1 : 0
  expect(count).toBe(1)
})
