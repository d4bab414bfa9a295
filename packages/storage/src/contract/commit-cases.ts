import { describe, expect, test } from 'vitest'
import type { ContractSubject } from './subject.ts'
import { StaleVersion } from '../errors.ts'
import { limits } from '../limits.ts'
import { ensure, expect as unchanged, increment, insert, remove, replace } from '../write.ts'
import { newTenant, plain, refusal, sharedStore, thing, things, transactionTest } from './things.ts'

/** What a commit promises: each write, its refusals, all or nothing. */
export function commitCases(subject: ContractSubject): void {
  describe('a commit', () => {
    const store = sharedStore(subject)
    const together = transactionTest(subject)
    const versionOf = async (id: string) => (await store().get(plain, id))?.version

    test('of an insert refuses an id that is taken', async () => {
      await store().commit([insert(plain, { id: 'taken', count: 1 })])
      expect(await refusal(store().commit([insert(plain, { id: 'taken', count: 2 })]))).toEqual({
        code: 'DuplicateKey',
        write: 0,
        index: 'id',
      })
      expect((await store().get(plain, 'taken'))?.count).toBe(1)
    })

    test('refuses a unique key that is taken, within its partition and where the index holds it', async () => {
      const tenant = newTenant()
      const one = { name: 'one', status: 'active' } as const
      await store().commit([insert(things, thing(tenant, 'a', one))])
      expect(await refusal(store().commit([insert(things, thing(tenant, 'b', one))]))).toEqual({
        code: 'DuplicateKey',
        write: 0,
        index: 'byActiveName',
      })
      await store().commit([insert(things, thing(tenant, 'c', { ...one, status: 'draft' }))])
      await store().commit([insert(things, thing(newTenant(), 'a', one))])
      const activate = replace(things, thing(tenant, 'c', one), 1)
      expect(await refusal(store().commit([activate]))).toMatchObject({
        code: 'DuplicateKey',
        index: 'byActiveName',
      })
    })

    test('of a replace puts the document in place of the version that was read', async () => {
      await store().commit([insert(plain, { id: 'r', count: 1, data: 'old' })])
      const read = await store().get(plain, 'r')
      await store().commit([replace(plain, { ...read, id: 'r', count: 2, data: undefined }, 1)])
      expect(await store().get(plain, 'r')).toEqual({ id: 'r', count: 2, version: 2 })
      expect(await refusal(store().commit([replace(plain, { id: 'r' }, 1)]))).toMatchObject({
        code: 'StaleVersion',
        write: 0,
      })
      expect(await refusal(store().commit([replace(plain, { id: 'none' }, 1)]))).toMatchObject({
        code: 'StaleVersion',
      })
    })

    test('of an increment counts from zero, within its bounds', async () => {
      await store().commit([increment(plain, 'i', { count: 3 }, { count: { atLeast: 0 } })])
      await store().commit([increment(plain, 'i', { count: -2 }, { count: { atLeast: 0, atMost: 10 } })])
      expect(await store().get(plain, 'i')).toEqual({ id: 'i', count: 1, version: 2 })
      const below = store().commit([increment(plain, 'i', { count: -2 }, { count: { atLeast: 0 } })])
      expect(await refusal(below)).toMatchObject({ code: 'OutOfBounds', write: 0 })
      const above = store().commit([increment(plain, 'new', { count: 11 }, { count: { atMost: 10 } })])
      expect(await refusal(above)).toMatchObject({ code: 'OutOfBounds' })
      expect(await store().get(plain, 'new')).toBeUndefined()
    })

    test('of an increment keeps numbers numbers and bigints bigints, beyond 32 bits', async () => {
      await store().commit([increment(plain, 'wide', { count: 2 ** 31 - 1 })])
      await store().commit([increment(plain, 'wide', { count: 2 ** 31 - 1 })])
      expect((await store().get(plain, 'wide'))?.count).toBe(2 ** 32 - 2)
      const tenant = newTenant()
      const add = (amount: bigint) => increment(things, `${tenant}-w`, { amount }, {}, { tenant, name: 'w' })
      await store().commit([add(1n)])
      await store().commit([add(2n ** 62n)])
      expect((await store().get(things, `${tenant}-w`))?.amount).toBe(2n ** 62n + 1n)
      expect(await refusal(store().commit([add(2n ** 62n)]))).toMatchObject({ code: 'OutOfBounds' })
    })

    test('of an increment needs the partition of a document that it creates', async () => {
      const tenant = newTenant()
      const add = increment(things, `${tenant}-p`, { amount: 1n })
      expect(await refusal(store().commit([add]))).toMatchObject({ code: 'InvalidDocument', write: 0 })
      await store().commit([insert(things, thing(tenant, 'p'))])
      await store().commit([add])
      expect((await store().get(things, `${tenant}-p`))?.amount).toBe(1n)
    })

    test('of a remove takes the version it names, or any', async () => {
      await store().insertMany(plain, [{ id: 'gone' }])
      expect(await refusal(store().commit([remove(plain, 'gone', 2)]))).toMatchObject({
        code: 'StaleVersion',
        write: 0,
      })
      await store().commit([remove(plain, 'gone', 1)])
      expect(await store().get(plain, 'gone')).toBeUndefined()
      expect(await refusal(store().commit([remove(plain, 'gone')]))).toMatchObject({ code: 'StaleVersion' })
      await store().insertMany(plain, [{ id: 'gone' }])
      await store().commit([remove(plain, 'gone')])
      expect(await store().get(plain, 'gone')).toBeUndefined()
    })

    test('of an ensure inserts unless the id is there', async () => {
      await store().commit([ensure(plain, { id: 'e', count: 1 })])
      await store().commit([ensure(plain, { id: 'e', count: 2 })])
      expect(await store().get(plain, 'e')).toEqual({ id: 'e', count: 1, version: 1 })
    })

    test('of an expect passes while the document is as it was read', async () => {
      await store().insertMany(plain, [{ id: 'x' }])
      await store().commit([unchanged(plain, 'x', 1)])
      expect(await refusal(store().commit([unchanged(plain, 'x', 2)]))).toMatchObject({
        code: 'StaleVersion',
        write: 0,
      })
      expect(await versionOf('x')).toBe(1)
    })

    test('of nothing passes', async () => {
      await store().commit([])
    })

    together('writes all', async () => {
      await store().insertMany(plain, [{ id: 'm1' }, { id: 'm2' }])
      await store().commit([
        insert(plain, { id: 'm3' }),
        replace(plain, { id: 'm1', count: 5 }, 1),
        increment(plain, 'm4', { count: 2 }),
        remove(plain, 'm2', 1),
        unchanged(plain, 'm3', 1),
        ensure(plain, { id: 'm1' }),
      ])
      const found = await store().getMany(plain, ['m1', 'm2', 'm3', 'm4'])
      expect(found).toEqual([
        { id: 'm1', count: 5, version: 2 },
        undefined,
        { id: 'm3', version: 1 },
        { id: 'm4', count: 2, version: 1 },
      ])
    })

    together('writes nothing when its last write is refused, and names that write', async () => {
      await store().insertMany(plain, [{ id: 'n1' }])
      const refused = store().commit([
        insert(plain, { id: 'n2' }),
        increment(plain, 'n3', { count: 1 }),
        replace(plain, { id: 'n1', count: 1 }, 1),
        insert(plain, { id: 'n1' }),
      ])
      expect(await refusal(refused)).toEqual({ code: 'DuplicateKey', write: 3, index: 'id' })
      expect(await store().getMany(plain, ['n1', 'n2', 'n3'])).toEqual([
        { id: 'n1', version: 1 },
        undefined,
        undefined,
      ])
    })

    together('writes in order, each write seeing those before it', async () => {
      const tenant = newTenant()
      const one = { name: 'one', status: 'active' } as const
      await store().commit([insert(things, thing(tenant, 'a', one))])
      await store().commit([
        remove(things, `${tenant}-a`, 1),
        insert(things, thing(tenant, 'b', one)),
        increment(things, `${tenant}-b`, { amount: 1n }),
        increment(things, `${tenant}-b`, { amount: 1n }),
        unchanged(things, `${tenant}-b`, 3),
      ])
      expect(await store().get(things, `${tenant}-b`)).toMatchObject({ amount: 2n, version: 3 })
    })

    together('holds 4,096 writes and no more', async () => {
      const writes = (count: number, kind: string) =>
        Array.from({ length: count }, (_, at) => insert(plain, { id: `${kind}-${at}` }))
      await store().commit(writes(limits.commitWrites, 'most'))
      expect(await versionOf('most-4095')).toBe(1)
      expect(await refusal(store().commit(writes(limits.commitWrites + 1, 'over')))).toMatchObject({
        code: 'TooLarge',
      })
    })

    together('holds 12 MiB and no more', async () => {
      const writes = (count: number, kind: string) =>
        Array.from({ length: count }, (_, at) =>
          insert(plain, { id: `${kind}${at}`, data: new Uint8Array(1_000_000) }),
        )
      await store().commit(writes(12, 'mib'))
      expect(await refusal(store().commit(writes(13, 'mibs')))).toMatchObject({ code: 'TooLarge' })
      expect(await store().get(plain, 'mibs0')).toBeUndefined()
    })

    test('is tried again by attempt when a version was stale, and a bounded number of times', async () => {
      let runs = 0
      const result = await store().attempt(async () => {
        if (++runs < 3) throw new StaleVersion('changed')
        return runs
      })
      expect(result).toBe(3)
      const never = store().attempt(async () => {
        runs++
        throw new StaleVersion('always')
      })
      expect(await refusal(never)).toMatchObject({ code: 'StaleVersion' })
      expect(runs).toBeLessThan(100)
      let others = 0
      const other = store().attempt(async () => {
        others++
        throw new TypeError('other')
      })
      await expect(other).rejects.toThrow('other')
      expect(others).toBe(1)
    })
  })
}
