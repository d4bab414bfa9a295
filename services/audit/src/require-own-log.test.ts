import { afterEach, beforeEach, expect, test } from 'vitest'
import { generateSigningKey } from '@tallystick/receipt'
import { generateLogKey, importLogKey } from './log-key.ts'
import { latestCheckpoint } from './log-reader.ts'
import { openLog, origin } from './log-world.ts'
import type { LogWorld } from './log-world.ts'
import { publishCheckpoint } from './publish-checkpoint.ts'
import { publishKeys } from './published-keys.ts'
import { ForeignLog, requireOwnLog } from './require-own-log.ts'
import { beginSequencing } from './sequence.ts'

const now = () => new Date()
const other = importLogKey(generateLogKey(), origin)

let world: LogWorld
beforeEach(async () => {
  world = await openLog()
})
afterEach(() => world.close())

async function grow(): Promise<void> {
  await world.enqueue(3)
  await (
    await beginSequencing({ store: world.store, origin }, await world.fence())
  )()
}

test('a log is begun by any key, and from then on signed by no other', async () => {
  const { store, signer } = world
  await requireOwnLog(store, { origin, signer: other })
  await grow()
  await publishCheckpoint({ store, origin, signer, now }, await world.fence())
  await requireOwnLog(store, { origin, signer })
  await expect(requireOwnLog(store, { origin, signer: other })).rejects.toBeInstanceOf(ForeignLog)
  await grow()
  const foreign = publishCheckpoint({ store, origin, signer: other, now }, await world.fence())
  await expect(foreign).rejects.toBeInstanceOf(ForeignLog)
  expect((await latestCheckpoint(store, origin))?.size).toBe(3)
})

test('a database holds the log of one origin', async () => {
  await grow()
  const signer = importLogKey(generateLogKey(), 'log.example/other')
  await expect(requireOwnLog(world.store, { origin: 'log.example/other', signer })).rejects.toThrow(origin)
})

test('a published receipt key gets an end once, and changes in no other way', async () => {
  const { store } = world
  const { privateJwk: key } = generateSigningKey('ES256')
  const publish = (more: { nbf?: number; exp?: number }) =>
    publishKeys({ store, origin, now }, [{ ...key, ...more }])
  await publish({})
  await expect(publish({ nbf: 5 })).rejects.toThrow('published')
  expect((await publish({ exp: 2_000_000_000 })).keys).toMatchObject([{ kid: key.kid, exp: 2_000_000_000 }])
  await publish({ exp: 2_000_000_000 })
  for (const changed of [{}, { exp: 1_900_000_000 }, { exp: 2_100_000_000 }])
    await expect(publish(changed)).rejects.toThrow('published')
})
