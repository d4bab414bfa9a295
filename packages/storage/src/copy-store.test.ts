import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { plain, refusal, thing, things } from './contract/things.ts'
import { copyStore } from './copy-store.ts'
import { openStore } from './open-store.ts'
import { increment, insert } from './write.ts'

const dir = mkdtempSync(join(tmpdir(), 'storage-'))
afterAll(() => rmSync(dir, { recursive: true }))
const collections = [things, plain]
const open = (name: string) => openStore(`sqlite:${dir}`, { name, collections })

test('copies every document with equal counts and digests, and may be run again', async () => {
  const from = await open('from')
  const to = await open('to')
  await from.insertMany(
    things,
    Array.from({ length: 1500 }, (_, at) =>
      thing('t', `${at}`, { amount: BigInt(at), at: new Date(at), tags: ['x'] }),
    ),
  )
  await from.insertMany(plain, [{ id: 'large', data: new Uint8Array(900_000) }])
  const copied = await copyStore(from, to, collections)
  expect(copied.map(({ collection, documents }) => [collection, documents])).toEqual([
    ['things', 1500],
    ['plain', 1],
  ])
  expect(await to.count(things.byTag, { equals: ['t', 'x'] }, { atMost: 5000 })).toBe(1500)
  expect(await copyStore(from, to, collections)).toEqual(copied)
  await from.close()
  await to.close()
})

test('says so when the two sides differ', async () => {
  const from = await open('source')
  const to = await open('target')
  await from.commit([increment(plain, 'a', { count: 1 })])
  await to.commit([increment(plain, 'a', { count: 2 })])
  expect(await refusal(copyStore(from, to, [plain]))).toMatchObject({ code: 'Unavailable' })
  await to.commit([insert(plain, { id: 'b' })])
  await expect(copyStore(from, to, [plain])).rejects.toThrow('1 documents, 2 in the copy')
  await from.close()
  await to.close()
})
