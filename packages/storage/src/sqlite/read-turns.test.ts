import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { plain, refusal } from '../contract/things.ts'
import type { Store } from '../store.ts'
import { increment, insert } from '../write.ts'
import { openSqliteStore } from './sqlite-store.ts'

let dir: string
let store: Store
let other: Store
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'storage-'))
  store = await open()
  other = await open()
})
afterEach(async () => {
  await Promise.all([store.close(), other.close()])
  rmSync(dir, { recursive: true })
})

const open = () => openSqliteStore(dir, { name: 'turns', collections: [plain] })
const nextCallback = () => new Promise((resolve) => setImmediate(resolve))

test('a chain of reads sees what was acknowledged before each of them', async () => {
  let acknowledged = 0
  const chain = async () => {
    for (let round = 0; round < 300; round++) {
      const least = acknowledged
      const first = (await store.get(plain, 'sum'))?.count ?? 0
      const second = (await store.get(plain, 'sum'))?.count ?? 0
      expect(first).toBeGreaterThanOrEqual(least)
      expect(second).toBeGreaterThanOrEqual(first)
      if (round % 3 === 0) await nextCallback()
    }
  }
  const write = async () => {
    for (let round = 0; round < 100; round++) {
      await other.commit([increment(plain, 'sum', { count: 1 })])
      acknowledged++
      expect((await store.get(plain, 'sum'))?.count).toBeGreaterThanOrEqual(acknowledged)
    }
  }
  await Promise.all([write(), chain(), chain(), chain()])
})

test('a chain of reads without end leaves the others their turn', async () => {
  await store.insertMany(plain, [{ id: 'a', data: 'x'.repeat(100_000) }])
  const enough = new AbortController()
  const chains = [1, 2, 3].map(async () => {
    let reads = 0
    for (; !enough.signal.aborted; reads++) await store.get(plain, 'a')
    return reads
  })
  let turns = 0
  for (const end = performance.now() + 300; performance.now() < end; turns++) await nextCallback()
  enough.abort()
  for (const reads of await Promise.all(chains)) expect(reads).toBeGreaterThan(turns)
  expect(turns).toBeGreaterThan(10)
})

test('what was asked before the store was closed is answered, what comes after is refused', async () => {
  const ids = Array.from({ length: 500 }, (_, n) => `${n}`)
  await store.insertMany(
    plain,
    ids.map((id) => ({ id, data: 'x'.repeat(2000) })),
  )
  // More than one turn can read.
  const asked = Array.from({ length: 40 }, () => store.getMany(plain, ids))
  const closed = store.close()
  expect(await refusal(store.get(plain, '1'))).toMatchObject({ code: 'Unavailable' })
  for (const found of await Promise.all(asked)) expect(found.map((one) => one?.id)).toEqual(ids)
  await closed
  expect(await refusal(store.get(plain, '1'))).toMatchObject({ code: 'Unavailable' })
})

test('a read that fails is refused alone, and the transaction of its turn ends', async () => {
  await store.commit([insert(plain, { id: 'a' })])
  const unknown = refusal(store.get({ ...plain, name: 'unknown' }, 'a'))
  expect(await Promise.all([store.get(plain, 'a'), unknown, store.get(plain, 'b')])).toEqual([
    { id: 'a', version: 1 },
    { code: 'InvalidQuery' },
    undefined,
  ])
  await other.commit([increment(plain, 'a', { count: 1 })])
  expect((await store.get(plain, 'a'))?.count).toBe(1)
})

test('a getMany of several slices that was asked before the store was closed is answered', async () => {
  const ids = Array.from({ length: 2000 }, (_, n) => `${n}`)
  await store.insertMany(
    plain,
    ids.map((id) => ({ id })),
  )
  const asked = store.getMany(plain, ids)
  const closed = store.close()
  expect((await asked).map((one) => one?.id)).toEqual(ids)
  await closed
})

describe('where SQLite fails', () => {
  // Statements of this thread alone: the writer has its own.
  const { run } = StatementSync.prototype
  const failing = (text: string) =>
    vi.spyOn(StatementSync.prototype, 'run').mockImplementation(function (this: StatementSync, ...values) {
      if (this.sourceSQL === text) throw new Error('disk I/O error')
      return run.apply(this, values)
    })
  afterEach(() => vi.restoreAllMocks())

  test.each(['BEGIN', 'COMMIT'])(
    '%s, reads are refused as long as it does, and answered after',
    async (text) => {
      await store.commit([increment(plain, 'sum', { count: 1 })])
      const spy = failing(text)
      // A transaction that cannot be ended is found by the next turn.
      await Promise.allSettled([store.get(plain, 'sum'), store.get(plain, 'sum')])
      await nextCallback()
      await other.commit([increment(plain, 'sum', { count: 1 })])
      for (let round = 0; round < 3; round++) {
        expect(await refusal(store.getMany(plain, ['sum', 'a']))).toMatchObject({ code: 'Unavailable' })
        await nextCallback()
      }
      spy.mockRestore()
      expect((await store.get(plain, 'sum'))?.count).toBe(2)
      await other.commit([increment(plain, 'sum', { count: 1 })])
      expect((await store.get(plain, 'sum'))?.count).toBe(3)
    },
  )

  test.each(['BEGIN', 'COMMIT'])('%s, the store can be closed', async (text) => {
    failing(text)
    await Promise.allSettled([store.get(plain, 'a'), store.get(plain, 'a')])
    await store.close()
  })

  test('and ends the transaction, the reads after that have one again', async () => {
    const opened: DatabaseSync[] = []
    const { prepare } = DatabaseSync.prototype
    vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, sql) {
      opened.push(this)
      return prepare.call(this, sql)
    })
    await store.get(plain, 'a')
    const db = opened.at(-1)
    vi.spyOn(StatementSync.prototype, 'get').mockImplementationOnce(() => {
      db?.exec('ROLLBACK')
      throw new Error('disk I/O error')
    })
    const failed = refusal(store.get(plain, 'a'))
    const after = store.get(plain, 'a').then(() => db?.isTransaction)
    expect(await Promise.all([failed, after])).toEqual([
      expect.objectContaining({ code: 'Unavailable' }),
      true,
    ])
    await nextCallback()
    expect(db?.isTransaction).toBe(false)
  })
})

test('a write that comes while the store closes is refused, and the store closes all the same', async () => {
  for (let round = 0; round < 10; round++) {
    const closing = await openSqliteStore(dir, { name: 'closing', collections: [plain] })
    const before = closing.commit([insert(plain, { id: `before-${round}` })])
    const closed = closing.close()
    // The writer is at work when the late ones come in.
    const late = Array.from({ length: 20 }, async (_, turn) => {
      for (let waited = 0; waited < turn; waited++) await nextCallback()
      return refusal(closing.commit([insert(plain, { id: `late-${round}-${turn}` })]))
    })
    await closed
    await before
    for (const outcome of await Promise.all(late)) expect(outcome).toMatchObject({ code: 'Unavailable' })
  }
})
