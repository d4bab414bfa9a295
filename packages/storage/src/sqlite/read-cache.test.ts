import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { collection } from '../collection.ts'
import type { Store } from '../store.ts'
import { ensure, expect as unchanged, increment, insert, remove, replace } from '../write.ts'
import { layoutOf } from './layout.ts'
import { selectPage } from './select.ts'
import { openSqliteStore } from './sqlite-store.ts'

const shape = {
  schema: z.object({
    id: z.string(),
    tenant: z.string(),
    n: z.number().optional(),
    of: z.object({ list: z.array(z.number()) }).optional(),
    tags: z.array(z.string()).optional(),
    until: z.date().optional(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'n'], byTag: ['tenant', 'tags[]'] },
} as const
const kept = collection('kept', { ...shape, expires: 'until', readMostly: true })
const other = collection('other', { ...shape, readMostly: true })
const changing = collection('changing', shape)

const typedIndexes = {
  n: ['tenant', 'n'],
  text: ['tenant', 'text'],
  flag: ['tenant', 'flag'],
  big: ['tenant', 'big'],
  at: ['tenant', 'at'],
  data: ['tenant', 'data'],
} as const
const typedShape = {
  schema: z.object({
    id: z.string(),
    tenant: z.string(),
    n: z.number().nullish(),
    text: z.string().nullish(),
    flag: z.boolean().nullish(),
    big: z.bigint().nullish(),
    at: z.date().nullish(),
    data: z.instanceof(Uint8Array).nullish(),
  }),
  partition: 'tenant',
  indexes: typedIndexes,
} as const
const typed = collection('typed', typedShape)
const typedKept = collection('typedKept', { ...typedShape, readMostly: true })

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
      await writer.commit([ensure(kept, { id: 'd', tenant: 't' })])
      expect((await seen())[1]).toBe(2)
      await writer.commit([remove(kept, 'b'), remove(kept, 'd')])
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
      for (let round = 1; round <= 100; round++)
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
    const db = new DatabaseSync(join(dir, 'cache.db'))
    const counts = () =>
      db
        .prepare('SELECT n FROM changes ORDER BY name')
        .all()
        .map((row) => Number(row['n']))
    const before = counts()
    await one.commit([insert(kept, { id: 'a', tenant: 't' }), insert(kept, { id: 'b', tenant: 't' })])
    await one.commit([insert(changing, { id: 'a', tenant: 't' }), unchanged(kept, 'a', 1)])
    expect(counts()).toEqual([(before[0] ?? 0) + 1, ...before.slice(1)])
    db.close()
  })

  test('is dropped for one change of a group of which others are refused', async () => {
    const [one, two] = both()
    await two.commit([insert(kept, { id: 'a', tenant: 't' }), insert(other, { id: 'a', tenant: 't' })])
    for (const collection of [kept, other]) await one.getMany(collection, ['a', 'b', 'c'])
    const group = await Promise.allSettled([
      two.commit([increment(kept, 'a', { n: 1 }), insert(other, { id: 'b', tenant: 't' })]),
      two.commit([insert(other, { id: 'c', tenant: 't' }), insert(kept, { id: 'a', tenant: 't' })]),
      two.commit([insert(kept, { id: 'c', tenant: 't' }), unchanged(kept, 'a', 9)]),
    ])
    expect(group.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect((await one.getMany(kept, ['a', 'b', 'c'])).map((found) => found?.n ?? found)).toEqual([
      1,
      undefined,
      undefined,
    ])
    expect((await one.getMany(other, ['b', 'c'])).map((found) => found?.id)).toEqual(['b', undefined])
  })

  test('answers as a collection of which nothing is kept, whatever is asked and however often', async () => {
    const one = await openSqliteStore(dir, { name: 'typed', collections: [typed, typedKept] })
    stores.push(one)
    const bytes = (...list: number[]) => new Uint8Array(list)
    const ids = [
      '1',
      'true',
      'null',
      '__proto__',
      'constructor',
      'a\0b',
      'a',
      '\ufffd',
      'x'.repeat(1024),
      'é',
      '"',
      "'",
    ]
    const values = { n: [1, 0, -1.5, null], text: ['1', '-Infinity', '', null], flag: [true, false, null] }
    const more = {
      big: [1n, 2n ** 60n],
      at: [new Date(0), new Date(1)],
      data: [bytes(), bytes(1), bytes(0, 0)],
    }
    const fields = Object.entries({ ...values, ...more })
    const documents = ids.map((id, place) => ({
      id,
      tenant: place % 3 === 0 ? 't' : '1',
      ...Object.fromEntries(fields.map(([field, of]) => [field, of[place % of.length]])),
    }))
    for (const collection of [typed, typedKept]) await one.insertMany(collection, documents)
    const queries = fields.flatMap(([field, of]) =>
      ['t', '1'].flatMap((tenant) => [
        ...of.map((value) => ({ field, query: { equals: [tenant, value] } })),
        ...of.flatMap((value) =>
          value === null
            ? []
            : (['from', 'before'] as const).map((bound) => ({
                field,
                query: { equals: [tenant], range: { [bound]: value } },
              })),
        ),
        ...[1, 3, 50].flatMap((limit) =>
          (['asc', 'desc'] as const).map((order) => ({ field, query: { equals: [tenant], limit, order } })),
        ),
      ]),
    )
    const indexOf = (of: typeof typed, field: string) => of[field as keyof typeof typedIndexes]
    for (let round = 0; round < 3; round++) {
      const hostile = [...ids, ...ids, '', 'toString', 'A', '\ud800', `${'x'.repeat(1024)}y`]
      const many = Array.from({ length: 1200 }, (_, place) => hostile[(place * 7) % hostile.length] ?? '')
      expect(await one.getMany(typedKept, many)).toEqual(await one.getMany(typed, many))
      for (const id of hostile) expect(await one.get(typedKept, id)).toEqual(await one.get(typed, id))
      for (const { field, query } of queries) {
        let page = await one.find(indexOf(typedKept, field), query)
        expect(page).toEqual(await one.find(indexOf(typed, field), query))
        for (let pages = 0; page.next !== undefined && pages < 3; pages++) {
          const next = { ...query, after: page.next }
          page = await one.find(indexOf(typedKept, field), next)
          expect(page).toEqual(await one.find(indexOf(typed, field), next))
        }
      }
    }
  })
})

describe('a file of several releases', () => {
  const changes = (sql: string) => {
    const db = new DatabaseSync(join(dir, 'cache.db'))
    db.exec(sql)
    db.close()
  }
  const openAs = async (readMostly: boolean) => {
    const store = await openSqliteStore(dir, { name: 'cache', collections: [{ ...kept, readMostly }] })
    stores.push(store)
    return store
  }

  test('of which one counted no changes is read on, and the older one stops writing', async () => {
    const older = await openAs(false)
    await older.commit([insert(kept, { id: 'a', tenant: 't', n: 1 })])
    changes('DROP TABLE changes')
    const newer = await openAs(true)
    expect((await newer.get(kept, 'a'))?.n).toBe(1)
    await expect(older.commit([increment(kept, 'a', { n: 1 })])).rejects.toThrow('declared anew')
    await newer.commit([increment(kept, 'a', { n: 5 })])
    expect((await newer.get(kept, 'a'))?.n).toBe(6)
  })

  test('shows the changes of one that counts none, though it began later', async () => {
    const [one] = both()
    await one.commit([insert(kept, { id: 'a', tenant: 't', n: 1 })])
    const found = await one.get(kept, 'a')
    expect(await one.get(kept, 'a')).toBe(found)
    const older = await openAs(false)
    await older.commit([increment(kept, 'a', { n: 1 })])
    expect((await one.get(kept, 'a'))?.n).toBe(2)
    await older.commit([increment(kept, 'a', { n: 1 })])
    expect((await one.get(kept, 'a'))?.n).toBe(3)
    // Declared as before once more, by a start that has not come to its end.
    const { declaration } = layoutOf(kept)
    changes(
      `UPDATE collections SET declaration = '${declaration}' WHERE name = 'kept'; PRAGMA user_version = 1000`,
    )
    expect((await one.get(kept, 'a'))?.n).toBe(3)
    await openAs(true)
    const again = await one.get(kept, 'a')
    expect(again?.n).toBe(3)
    expect(await one.get(kept, 'a')).toBe(again)
  })

  test('shows the documents of an index that was filled after it was read', async () => {
    const [one] = both()
    await one.commit([insert(kept, { id: 'a', tenant: 't', tags: ['x'] })])
    // As a start leaves it that is not done, or was killed before.
    changes(`DELETE FROM e_kept__byTag; UPDATE collections SET ready = 0 WHERE name = 'kept'`)
    const reader = await open()
    stores.push(reader)
    changes(`DELETE FROM e_kept__byTag; UPDATE collections SET ready = 0 WHERE name = 'kept'`)
    const tagged = async () => (await reader.find(kept.byTag, { equals: ['t', 'x'] })).items.length
    expect(await tagged()).toBe(0)
    stores.push(await open())
    expect(await tagged()).toBe(1)
  })

  test('is backed up with its counts, and the copy goes its own way', async () => {
    const [one] = both()
    await one.commit([insert(kept, { id: 'a', tenant: 't', n: 1 })])
    await one.get(kept, 'a')
    await (one as Awaited<ReturnType<typeof open>>).backup(join(dir, 'copy'))
    const copy = await openSqliteStore(join(dir, 'copy'), { name: 'cache', collections: [kept] })
    stores.push(copy)
    expect((await copy.get(kept, 'a'))?.n).toBe(1)
    await copy.commit([increment(kept, 'a', { n: 1 })])
    expect([(await copy.get(kept, 'a'))?.n, (await one.get(kept, 'a'))?.n]).toEqual([2, 1])
  })
})
