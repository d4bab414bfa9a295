import { describe, expect, test } from 'vitest'
import type { ContractSubject } from './subject.ts'
import { limits } from '../limits.ts'
import { insert } from '../write.ts'
import { newDatabase, newTenant, plain, refusal, sharedStore, thing, things } from './things.ts'

/** What a document means: values, limits, reading by id. */
export function documentCases(subject: ContractSubject): void {
  describe('documents', () => {
    const store = sharedStore(subject)

    test('come back as they were written, with version 1', async () => {
      const data = {
        text: 'naïve \u{1f600}',
        integer: 42,
        large: 2 ** 40,
        beyond: 2 ** 53,
        fraction: 0.1,
        negative: -0.5,
        int64: 9_007_199_254_740_993n,
        least: -(2n ** 63n),
        small: 1n,
        yes: true,
        nothing: null,
        date: new Date(-1),
        list: [1, [2n, { deep: 'x' }], null],
        empty: {},
      }
      const document = { id: 'values', data }
      await store().insertMany(plain, [document])
      expect(await store().get(plain, 'values')).toEqual({ ...document, version: 1 })
    })

    test('keep bytes', async () => {
      await store().insertMany(plain, [{ id: 'bytes', data: Uint8Array.of(0, 255, 1) }])
      const found = await store().get(plain, 'bytes')
      expect(found?.data).toBeInstanceOf(Uint8Array)
      expect(Uint8Array.from(found?.data as Uint8Array)).toEqual(Uint8Array.of(0, 255, 1))
    })

    test('have no field that was undefined, and no other version than their own', async () => {
      const stored = { id: 'absent', data: undefined, version: 7 }
      await store().insertMany(plain, [stored])
      const found = await store().get(plain, 'absent')
      expect(Object.keys(found ?? {}).sort()).toEqual(['id', 'version'])
      expect(found?.version).toBe(1)
    })

    test.each([
      ['a function', () => 1],
      ['an instance of a class', new Map()],
      ['an invalid date', new Date(Number.NaN)],
      ['an integer over 64 bits', 2n ** 63n],
      ['a lone surrogate', '\ud800'],
      ['an operator of a query language', { $gt: '' }],
      ['a disguise of another BSON type', { _bsontype: 'ObjectId', id: 'x' }],
      ['a prototype', JSON.parse('{"__proto__": {"admin": true}}') as unknown],
      ['a name with NUL', { 'a\0b': 1 }],
      ['undefined in an array', [undefined]],
      ['a nesting too deep', Array.from({ length: 80 }).reduce((inner) => [inner], 1)],
    ])('refuse %s', async (_, data) => {
      const writing = store().insertMany(plain, [{ id: 'refused', data }])
      expect(await refusal(writing)).toMatchObject({ code: 'InvalidDocument' })
      expect(await refusal(store().commit([insert(plain, { id: 'refused', data })]))).toMatchObject({
        code: 'InvalidDocument',
        write: 0,
      })
      expect(await store().get(plain, 'refused')).toBeUndefined()
    })

    test('refuse an indexed field of the wrong shape', async () => {
      const tenant = newTenant()
      for (const fields of [{ name: ['x'] }, { tags: 'x' }, { rank: Number.NaN }, { name: { a: 1 } }]) {
        const document = thing(tenant, 'a', fields as object)
        expect(await refusal(store().commit([insert(things, document)]))).toMatchObject({
          code: 'InvalidDocument',
        })
      }
    })

    test('may be 1 MiB and no more', async () => {
      const room = limits.documentBytes - 64
      await store().commit([insert(plain, { id: 'large', data: new Uint8Array(room) })])
      expect((await store().get(plain, 'large'))?.data).toHaveLength(room)
      const writing = store().commit([insert(plain, { id: 'larger', data: new Uint8Array(room + 65) })])
      expect(await refusal(writing)).toMatchObject({ code: 'TooLarge', write: 0 })
    })

    test('may have an indexed string of 1 KiB and no more, in bytes', async () => {
      const tenant = newTenant()
      await store().commit([insert(things, thing(tenant, 'a', { name: 'é'.repeat(512) }))])
      const writing = store().commit([insert(things, thing(tenant, 'b', { name: 'é'.repeat(513) }))])
      expect(await refusal(writing)).toMatchObject({ code: 'TooLarge', write: 0 })
    })

    test('are read many at a time in the order asked, undefined where there is none', async () => {
      const ids = Array.from({ length: 1200 }, (_, at) => `many-${at}`)
      await store().insertMany(
        plain,
        ids.map((id) => ({ id })),
      )
      const found = await store().getMany(plain, ['many-7', 'nowhere', 'many-3', 'many-7'])
      expect(found.map((document) => document?.id)).toEqual(['many-7', undefined, 'many-3', 'many-7'])
      expect((await store().getMany(plain, ids)).map((document) => document?.id)).toEqual(ids)
    })

    test('are all found by scanAll, in the order of their ids', async () => {
      const own = await subject.open([plain], newDatabase())
      try {
        const ids = Array.from({ length: 1100 }, (_, at) => `d${String(at).padStart(5, '0')}`)
        await own.insertMany(
          plain,
          ids.toReversed().map((id) => ({ id })),
        )
        const found: string[] = []
        for await (const { id } of own.scanAll(plain)) found.push(id)
        expect(found).toEqual(ids)
      } finally {
        await own.close()
      }
    })

    test('inserted on their own tell which were there already', async () => {
      const tenant = newTenant()
      const first = thing(tenant, 'a', { status: 'active', name: 'one' })
      await store().insertMany(things, [first])
      const outcome = await store().insertMany(things, [
        thing(tenant, 'b'),
        first,
        thing(tenant, 'c', { status: 'active', name: 'one' }),
        thing(tenant, 'd'),
        thing(tenant, 'd', { name: 'second' }),
      ])
      expect(outcome).toEqual(['inserted', 'duplicate', 'duplicate', 'inserted', 'duplicate'])
      expect((await store().get(things, `${tenant}-d`))?.name).toBe('d')
      expect(await store().insertMany(things, [])).toEqual([])
    })

    test('are refused when they are more than 10,000 at once', async () => {
      const documents = Array.from({ length: 10_001 }, (_, at) => ({ id: `over-${at}` }))
      expect(await refusal(store().insertMany(plain, documents))).toMatchObject({ code: 'TooLarge' })
      expect(await store().get(plain, 'over-0')).toBeUndefined()
    })

    test('survive closing and opening', async () => {
      const database = newDatabase()
      const before = await subject.open([plain], database)
      await before.commit([insert(plain, { id: 'kept', count: 1 })])
      await before.close()
      expect(await refusal(before.commit([insert(plain, { id: 'late' })]))).toMatchObject({
        code: 'Unavailable',
      })
      expect(await refusal(before.ping())).toMatchObject({ code: 'Unavailable' })
      const after = await subject.open([plain], database)
      await after.ping()
      expect(await after.get(plain, 'kept')).toEqual({ id: 'kept', count: 1, version: 1 })
      await after.close()
    })
  })
}
