import mongoose from 'mongoose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { collection, type Index } from '../collection.ts'
import { storageContract } from '../contract.ts'
import { indexKey } from '../cursor.ts'
import { increment, insert, remove } from '../write.ts'
import { connect, topologyOf } from './connect.ts'
import { indexQuery } from './index-query.ts'
import { openMongooseStore } from './mongoose-store.ts'

const url = process.env['MONGODB_URI'] ?? ''

const thing = z.object({
  id: z.string(),
  tenant: z.string(),
  tags: z.array(z.string()),
  number: z.number(),
  status: z.string(),
  at: z.date().nullable(),
  gone: z.date().optional(),
  amount: z.bigint(),
})

const things = collection('things', {
  schema: thing,
  partition: 'tenant',
  indexes: {
    byTime: ['tenant', 'at'],
    byTag: ['tenant', 'tags[]', 'at'],
    byNumber: { keys: ['tenant', 'number'], unique: true, where: { status: 'active' } },
    byGone: { keys: ['tenant', 'gone'], where: { gone: { exists: true } } },
    byId: ['tenant', 'id'],
  },
  expires: 'gone',
})

function makeThing(number: number): z.infer<typeof thing> {
  return {
    id: `thing-${String(number).padStart(4, '0')}`,
    tenant: 't',
    tags: ['all', number % 2 === 0 ? 'even' : 'odd', 'all'],
    number,
    status: number % 3 === 0 ? 'active' : 'idle',
    at: number % 5 === 0 ? null : new Date(number % 7),
    amount: BigInt(number),
    ...(number % 4 === 0 ? { gone: new Date('2100-01-01') } : {}),
  }
}

const probe = url === '' ? undefined : await connect(url, 'admin')
const transactions = probe !== undefined && (await topologyOf(probe)).transactions

if (url === '') {
  test.skip('the contract on MongoDB: set MONGODB_URI to the URL of a server to run it', () => {})
}

function onServer(name: string, cases: () => void): void {
  if (url !== '') describe(name, cases)
}

const databases = new Set<string>()

afterAll(async () => {
  for (const database of databases) await probe?.useDb(database).dropDatabase()
  await probe?.destroy()
})

onServer('the Mongoose store', () => {
  storageContract({
    name: 'Mongoose',
    open: async (collections, database) => {
      databases.add(database)
      return await openMongooseStore(url, { name: database, collections })
    },
    transactions,
  })
})

onServer('the Mongoose adapter', () => {
  const name = `adapter-${process.pid}`
  const noLog = () => {}
  let store: Awaited<ReturnType<typeof openMongooseStore>>
  let raw: mongoose.Connection

  beforeAll(async () => {
    raw = await mongoose.createConnection(url, { dbName: name }).asPromise()
    await raw.dropDatabase()
    store = await openMongooseStore(url, { name, collections: [things], log: noLog })
    await store.insertMany(
      things,
      Array.from({ length: 60 }, (_, number) => makeThing(number)),
    )
  })
  afterAll(async () => {
    await store.close()
    await raw.dropDatabase()
    await raw.destroy()
  })

  const selections: [Index<z.infer<typeof thing>>, Parameters<typeof indexQuery>[1]][] = [
    [things.byTime, { equals: ['t'] }],
    [things.byTime, { equals: ['t'], range: { from: new Date(1), before: new Date(5) } }],
    [things.byTag, { equals: ['t', 'even'] }],
    [things.byTag, { equals: ['t', 'all'], range: { upTo: new Date(4) } }],
    [things.byNumber, { equals: ['t'], range: { after: 7 } }],
    [things.byGone, { equals: ['t'] }],
    [things.byId, { equals: ['t'] }],
  ]
  for (const [index, selection] of selections) {
    for (const order of ['asc', 'desc'] as const) {
      const title = `${index.name} ${selection.range === undefined ? 'whole' : 'in a range'}, ${order}`

      test(`answers from the declared index: ${title}`, async () => {
        const first = await store.find(index, { ...selection, order, limit: 5 })
        const last = first.items.at(-1)
        if (last === undefined) throw new Error('the selection is empty')
        for (const cursor of [undefined, { key: indexKey(index, selection, last), id: last.id }]) {
          const { filter, sort, hint } = indexQuery(index, selection, order, cursor)
          const plan = JSON.stringify(
            await raw.collection('things').find(filter, { sort, hint, limit: 5 }).explain('queryPlanner'),
          )
          expect(hint.split('.')[0]).toBe(index.name)
          // MongoDB says IXSCAN and indexName; FerretDB says it in PostgreSQL's words, and sorts what it has read.
          expect(plan).toMatch(/"stage":"IXSCAN"|"Node Type":"(?:Bitmap )?Index Scan"/)
          expect(plan.match(/"(?:indexName|Index Name)":"[^"]+"/g)?.join()).toContain(`:"${hint}"`)
          expect(plan).not.toContain('"COLLSCAN"')
          if (store.transactions && cursor === undefined) expect(plan).not.toContain('"stage":"SORT"')
        }
      })

      test(`gives each document once, in order, page by page: ${title}`, async () => {
        const whole = await store.find(index, { ...selection, order, limit: 1000 })
        expect(whole.next).toBeUndefined()
        for (const limit of [1, 7]) {
          const ids: string[] = []
          for (let after: string | undefined; ;) {
            const page = await store.find(index, { ...selection, order, limit, after })
            ids.push(...page.items.map((item) => item.id))
            if (page.next === undefined) break
            after = page.next
          }
          expect(ids).toEqual(whole.items.map((item) => item.id))
        }
        expect(new Set(whole.items.map((item) => item.id)).size).toBe(whole.items.length)
        expect(await store.count(index, selection, { atMost: 1000 })).toBe(whole.items.length)
      })
    }
  }

  test('builds what a new declaration adds, drops what it no longer has, and leaves the indexes of others', async () => {
    const before = collection('changing', {
      schema: thing,
      partition: 'tenant',
      indexes: { byTime: ['tenant', 'at'], byStatus: ['tenant', 'status'], byNumber: ['tenant', 'number'] },
    })
    const after = collection('changing', {
      schema: thing,
      partition: 'tenant',
      indexes: {
        byMoment: ['tenant', 'at'],
        byNumber: { keys: ['tenant', 'number'], unique: true },
        byTag: ['tenant', 'tags[]'],
      },
      expires: 'gone',
    })
    await store.createCollections([before])
    await store.insertMany(before, [makeThing(1), makeThing(2)])
    await raw.collection('changing').createIndex({ amount: 1 }, { name: 'ofTheOperator' })
    const next = await openMongooseStore(url, { name, collections: [after], log: noLog })
    await next.createCollections([after])
    const names = (await raw.collection('changing').listIndexes().toArray()).map(({ name }) => String(name))
    expect(
      names.map((name) => name.replace(/\..*/, '')).sort((left, right) => (left < right ? -1 : 1)),
    ).toEqual(['_expires', '_id_', 'byMoment', 'byNumber', 'byTag', 'ofTheOperator'])
    expect((await next.find(after.byTag, { equals: ['t', 'odd'] })).items).toHaveLength(1)
    await next.close()
  })

  test('keeps a number a number when it outgrows 32 bits', async () => {
    const id = 'growing'
    await store.commit([insert(things, { ...makeThing(2 ** 31 - 1), id })])
    await store.commit([increment(things, id, { number: 1 }, {}, { tenant: 't' })])
    expect((await store.get(things, id))?.number).toBe(2 ** 31)
    await store.commit([remove(things, id, 2)])
  })

  test('bounds fractions by the sum itself', async () => {
    const id = 'fraction'
    await store.commit([insert(things, { ...makeThing(61), id, number: 0.3 })])
    const take = (atLeast: number) =>
      increment(things, id, { number: -0.1 }, { number: { atLeast } }, { tenant: 't' })
    // 0.3 - 0.1 is 0.19999999999999998.
    await expect(store.commit([take(0.2)])).rejects.toMatchObject({ code: 'OutOfBounds' })
    await store.commit([take(0.19999999999999998)])
    expect(await store.get(things, id)).toMatchObject({ number: 0.3 - 0.1, version: 2 })
    await store.commit([remove(things, id)])
  })

  test('creates a counter once when many increments race', async () => {
    const id = 'raced'
    const one = () =>
      store.attempt(() => store.commit([increment(things, id, { amount: 1n }, {}, { tenant: 't' })]))
    await Promise.all(Array.from({ length: 20 }, one))
    expect(await store.get(things, id)).toMatchObject({ amount: 20n, version: 20 })
    await store.commit([remove(things, id)])
  })

  test('a server without transactions refuses a commit of several writes, with the reason', async (context) => {
    if (store.transactions) context.skip('this server has transactions')
    const writes = [insert(things, makeThing(70)), insert(things, makeThing(71))]
    await expect(store.commit(writes)).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('replica set'),
    })
    expect(await store.get(things, makeThing(70).id)).toBeUndefined()
  })

  test('is Unavailable once it is closed', async () => {
    const other = await openMongooseStore(url, { name, collections: [things] })
    const writing = other.insertMany(things, [makeThing(80)])
    await other.close()
    expect(await writing).toEqual(['inserted'])
    await expect(other.get(things, 'x')).rejects.toMatchObject({ code: 'Unavailable' })
    await expect(other.ping()).rejects.toMatchObject({ code: 'Unavailable' })
  })
})

test('a server that is not there makes the store Unavailable, without naming its password', async () => {
  const opening = openMongooseStore('mongodb://user:secret@127.0.0.1:9/?serverSelectionTimeoutMS=200', {
    name: 'nowhere',
    collections: [things],
  })
  const error = await opening.catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'Unavailable' })
  expect(String(error)).not.toContain('secret')
})
