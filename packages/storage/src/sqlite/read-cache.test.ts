import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { collection } from '../collection.ts'
import type { Store } from '../store.ts'
import { expect as unchanged, increment, insert, remove, replace } from '../write.ts'
import { layoutOf } from './layout.ts'
import { ReadCache } from './read-cache.ts'
import { selectPage } from './select.ts'
import { openSqliteStore } from './sqlite-store.ts'

const shape = {
  schema: z.object({
    id: z.string(),
    tenant: z.string(),
    n: z.number().optional(),
    of: z.object({ list: z.array(z.number()) }).optional(),
    until: z.date().optional(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'n'] },
} as const
const kept = collection('kept', { ...shape, expires: 'until', readMostly: true })
const other = collection('other', { ...shape, readMostly: true })
const changing = collection('changing', shape)

let dir: string
let stores: Store[]
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'storage-'))
  stores = [await open(), await open()]
})
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  rmSync(dir, { recursive: true })
})

// Two stores of one file are to each other what two processes are: each has connections and a writer of its own.
const open = () => openSqliteStore(dir, { name: 'cache', collections: [kept, other, changing] })
const both = () => stores as [Store, Store]
const all = { equals: ['t'], limit: 10 }

describe('what is kept of a read-mostly collection', () => {
  test('is handed out again, frozen through and through, until its collection changes', async () => {
    const [one, two] = both()
    await one.commit([insert(kept, { id: 'a', tenant: 't', n: 1, of: { list: [1] } })])
    const first = await one.get(kept, 'a')
    const page = await one.find(kept.byTenant, all)
    expect([first, page.items]).toEqual([
      { id: 'a', tenant: 't', n: 1, of: { list: [1] }, version: 1 },
      [first],
    ])
    expect(() => first?.of?.list.push(2)).toThrow(TypeError)
    expect(() => Object.assign(page.items[0] ?? {}, { n: 2 })).toThrow(TypeError)
    await two.commit([insert(other, { id: 'a', tenant: 't' }), insert(changing, { id: 'a', tenant: 't' })])
    expect(await one.get(kept, 'a')).toBe(first)
    expect((await one.getMany(kept, ['a', 'a']))[1]).toBe(first)
    expect(await one.find(kept.byTenant, all)).toBe(page)
    await two.commit([unchanged(kept, 'a', 1), insert(changing, { id: 'b', tenant: 't' })])
    expect(await one.get(kept, 'a')).toBe(first)
    await two.commit([insert(kept, { id: 'b', tenant: 't' })])
    const again = await one.get(kept, 'a')
    expect(again).not.toBe(first)
    expect(again).toEqual(first)
  })

  test('is dropped at each kind of change, made here or elsewhere', async () => {
    for (const [reader, writer] of [both(), both().toReversed(), [both()[0], both()[0]]] as [
      Store,
      Store,
    ][]) {
      const seen = async () => [
        await reader.get(kept, 'a'),
        (await reader.getMany(kept, ['a', 'b', 'c', 'd', 'e'])).filter((one) => one !== undefined).length,
        (await reader.find(kept.byTenant, all)).items.map(({ id }) => id).join(''),
      ]
      expect(await seen()).toEqual([undefined, 0, ''])
      await writer.commit([insert(kept, { id: 'a', tenant: 't' })])
      expect(await seen()).toEqual([{ id: 'a', tenant: 't', version: 1 }, 1, 'a'])
      await writer.commit([replace(kept, { id: 'a', tenant: 't', n: 1 }, 1)])
      expect((await seen())[0]).toEqual({ id: 'a', tenant: 't', n: 1, version: 2 })
      await writer.commit([increment(kept, 'a', { n: 5 })])
      expect((await seen())[0]).toEqual({ id: 'a', tenant: 't', n: 6, version: 3 })
      await writer.insertMany(kept, [{ id: 'b', tenant: 't', n: 1 }])
      expect((await seen()).slice(1)).toEqual([2, 'ba'])
      await writer.commit([remove(kept, 'a')])
      expect(await seen()).toEqual([undefined, 1, 'b'])
      await writer.commit([insert(kept, { id: 'c', tenant: 't', n: 2, until: new Date(0) })])
      expect(await seen()).toEqual([undefined, 2, 'bc'])
      await (writer as Awaited<ReturnType<typeof open>>).purge()
      expect(await seen()).toEqual([undefined, 1, 'b'])
      await writer.commit([remove(kept, 'b')])
    }
  })

  test('tells an id from a query, whatever stands in it', async () => {
    const [one] = both()
    await one.commit([insert(kept, { id: 'a', tenant: 't' })])
    await one.find(kept.byTenant, all)
    const { sql, values } = selectPage(layoutOf(kept), kept.byTenant, all, all.limit)
    for (const id of [sql + JSON.stringify(values), `=${sql}`, '=a', ''])
      expect(await one.get(kept, id)).toBeUndefined()
  })

  test('never tells a moment before what was acknowledged, however many write', async () => {
    const amount = fc.array(fc.record({ writer: fc.nat(1), reader: fc.nat(1), pause: fc.nat(3) }), {
      minLength: 20,
      maxLength: 60,
    })
    await fc.assert(
      fc.asyncProperty(amount, async (steps) => {
        const id = `n${Math.random()}`
        let acknowledged = 0
        const work = steps.map(async ({ writer, reader, pause }) => {
          for (let turn = 0; turn < pause; turn++) await new Promise(setImmediate)
          await both()[writer]?.commit([increment(kept, id, { n: 1 }, {}, { tenant: id })])
          const least = ++acknowledged
          const found = await both()[reader]?.get(kept, id)
          const page = await both()[reader]?.find(kept.byTenant, { equals: [id] })
          expect(found?.n).toBeGreaterThanOrEqual(least)
          expect(page?.items[0]?.n).toBeGreaterThanOrEqual(found?.n ?? Infinity)
        })
        await Promise.all(work)
      }),
      { numRuns: 20 },
    )
  })

  test('is of the same moment as what is read beside it', async () => {
    const [one, two] = both()
    const ids = Array.from({ length: 8 }, (_, place) => `m${place}`)
    await one.insertMany(
      kept,
      ids.map((id) => ({ id, tenant: 't', n: 0 })),
    )
    const written = new AbortController()
    const writes = (async () => {
      for (let round = 1; round <= 200; round++)
        await two.commit(ids.map((id) => replace(kept, { id, tenant: 't', n: round }, round)))
      written.abort()
    })()
    const moments = new Set<number | undefined>()
    while (!written.signal.aborted) {
      await one.getMany(kept, ids.slice(0, 2))
      const seen = new Set((await one.getMany(kept, ids)).map((document) => document?.n))
      expect(seen.size).toBe(1)
      moments.add([...seen][0])
    }
    await writes
    expect(moments.size).toBeGreaterThan(10)
  })

  test('is counted in the file by transactions that change it alone', async () => {
    const [one] = both()
    await one.commit([insert(kept, { id: 'a', tenant: 't' }), insert(kept, { id: 'b', tenant: 't' })])
    await one.commit([insert(changing, { id: 'a', tenant: 't' }), unchanged(kept, 'a', 1)])
    const db = new DatabaseSync(join(dir, 'cache.db'))
    expect(
      db
        .prepare('SELECT name, n FROM changes')
        .all()
        .map((row) => ({ ...row })),
    ).toEqual([{ name: 'kept', n: 1 }])
    db.close()
  })
})

test('8 MiB of a collection are kept, then the keeping begins anew', () => {
  const cache = new ReadCache(() => [])
  const layout = layoutOf(kept)
  const kib = 2 ** 10
  for (let entry = 0; entry < 12; entry++) {
    expect(cache.of(layout).document(`${entry}`)).toBeUndefined()
    cache.of(layout).keepDocument(`${entry}`, null, 1000 * kib)
    cache.begin()
  }
  const there = Array.from({ length: 12 }, (_, entry) => cache.of(layout).document(`${entry}`) === null)
  expect(there).toEqual([...Array.from({ length: 8 }, () => false), true, true, true, true])
  expect(cache.of(layoutOf(other)).document('11')).toBeUndefined()
})
