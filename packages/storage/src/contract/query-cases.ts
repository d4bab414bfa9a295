import { describe, expect, test } from 'vitest'
import type { Index, Scalar } from '../collection.ts'
import { encodeCursor } from '../cursor.ts'
import type { ContractSubject } from './subject.ts'
import type { Query } from '../store.ts'
import { insert, remove, replace } from '../write.ts'
import { newTenant, refusal, sharedStore, type Thing, thing, things } from './things.ts'

/** What an index answers: order, ranges, pages, partial and `[]` indexes. */
export function queryCases(subject: ContractSubject): void {
  describe('an index', () => {
    const store = sharedStore(subject)
    const idsOf = async (index: Index<Thing>, query: Query) =>
      (await store().find(index, query)).items.map(({ id }) => id.replace(/^t\d+-/, ''))
    const fill = async (documents: [string, Partial<Thing>][]) => {
      const tenant = newTenant()
      await store().insertMany(
        things,
        documents.map(([id, fields]) => thing(tenant, id, fields)),
      )
      return tenant
    }

    test('sorts strings by bytes, then by id, both ways', async () => {
      // In UTF-16, the order of JavaScript, the emoji would come before U+FFFF.
      const names = ['', '10', '9', 'B', 'a', 'é', '\uffff', '\u{1f600}']
      const tenant = await fill(names.toReversed().map((name, at) => [`${at}`, { name }]))
      await store().insertMany(things, [thing(tenant, '9', { name: 'a' })])
      const order = ['7', '6', '5', '4', '3', '9', '2', '1', '0']
      expect(await idsOf(things.byName, { equals: [tenant] })).toEqual(order)
      expect(await idsOf(things.byName, { equals: [tenant], order: 'desc' })).toEqual(order.toReversed())
    })

    test('sorts numbers by value, absent and null first', async () => {
      const tenant = await fill([
        ['a', { rank: 10, name: 'x' }],
        ['b', { rank: -1.5, name: 'x' }],
        ['c', { rank: 2 ** 40, name: 'x' }],
        ['d', { rank: null, name: 'x' }],
        ['e', { name: 'x' }],
        ['f', { rank: 9, name: 'x' }],
      ])
      expect(await idsOf(things.byRank, { equals: [tenant] })).toEqual(['d', 'e', 'b', 'f', 'a', 'c'])
      expect(await idsOf(things.byRank, { equals: [tenant, null] })).toEqual(['d', 'e'])
      expect(await idsOf(things.byRank, { equals: [tenant, 10] })).toEqual(['a'])
    })

    test('sorts dates, booleans, bigints, and bytes by length first', async () => {
      const tenant = await fill([
        ['a', { at: new Date(5), open: true, amount: 2n ** 60n, hash: Uint8Array.of(1, 0) }],
        ['b', { at: new Date(-5), open: false, amount: -3n, hash: Uint8Array.of(255) }],
        ['c', { at: new Date(0), open: true, amount: 2n ** 60n - 1n, hash: Uint8Array.of(0, 255) }],
      ])
      const equals = [tenant]
      expect(await idsOf(things.byAt, { equals })).toEqual(['b', 'c', 'a'])
      expect(await idsOf(things.byOpen, { equals })).toEqual(['b', 'a', 'c'])
      expect(await idsOf(things.byOpen, { equals: [tenant, true] })).toEqual(['a', 'c'])
      expect(await idsOf(things.byAmount, { equals })).toEqual(['b', 'c', 'a'])
      expect(await idsOf(things.byHash, { equals })).toEqual(['b', 'c', 'a'])
      expect(await idsOf(things.byHash, { equals: [tenant, Uint8Array.of(0, 255)] })).toEqual(['c'])
    })

    test('answers ranges with each bound, never with null', async () => {
      const tenant = await fill([
        ['n', { name: 'x' }],
        ...[1, 2, 3, 4].map((rank): [string, Partial<Thing>] => [`${rank}`, { rank }]),
      ])
      const ranked = (range: NonNullable<Query['range']>, order?: 'desc') =>
        idsOf(things.byRank, { equals: [tenant], range, order })
      expect(await ranked({ from: 2 })).toEqual(['2', '3', '4'])
      expect(await ranked({ after: 2 })).toEqual(['3', '4'])
      expect(await ranked({ before: 3 })).toEqual(['1', '2'])
      expect(await ranked({ upTo: 3 })).toEqual(['1', '2', '3'])
      expect(await ranked({ after: 1, before: 4 }, 'desc')).toEqual(['3', '2'])
      expect(await ranked({ from: 4, upTo: 1 })).toEqual([])
    })

    test.each(['asc', 'desc'] as const)('gives pages that meet exactly, %s', async (order) => {
      const documents = Array.from({ length: 25 }, (_, at): [string, Partial<Thing>] => [
        String(at).padStart(2, '0'),
        { rank: at % 3 === 0 ? null : at % 5, name: 'same', tags: ['x'] },
      ])
      const tenant = await fill(documents)
      const queries: [Index<Thing>, Scalar[], Query['range']][] = [
        [things.byRank, [tenant], undefined],
        [things.byRank, [tenant], { from: 1, upTo: 3 }],
        [things.byRank, [tenant], { before: 4 }],
        [things.byRank, [tenant, 2], undefined],
        [things.byRank, [tenant, 2, 'same'], undefined],
        [things.byTag, [tenant, 'x'], undefined],
        [things.byTag, [tenant, 'x'], { after: 1 }],
      ]
      for (const [index, equals, range] of queries) {
        const whole = await store().find(index, { equals, range, order, limit: 1000 })
        expect(whole.next).toBeUndefined()
        const paged: unknown[] = []
        let after: string | undefined
        do {
          const page = await store().find(index, { equals, range, order, limit: 4, after })
          paged.push(...page.items)
          after = page.next
        } while (after !== undefined)
        expect(paged).toEqual(whole.items)
        const scanned: unknown[] = []
        for await (const item of store().scan(index, { equals, range, order })) scanned.push(item)
        expect(scanned).toEqual(whole.items)
        expect(await store().count(index, { equals, range }, { atMost: 1000 })).toBe(whole.items.length)
      }
    })

    test('keeps a cursor good while documents come and go', async () => {
      const tenant = await fill(['b', 'd', 'f', 'h'].map((id) => [id, {}]))
      const page = await store().find(things.byName, { equals: [tenant], limit: 2 })
      await store().commit([remove(things, `${tenant}-d`)])
      await store().insertMany(things, [thing(tenant, 'a'), thing(tenant, 'e')])
      expect(await idsOf(things.byName, { equals: [tenant], after: page.next })).toEqual(['e', 'f', 'h'])
    })

    test('gives 50 documents when no limit is given, 1,000 at most', async () => {
      const tenant = await fill(Array.from({ length: 60 }, (_, at) => [`${at}`, {}]))
      expect((await store().find(things.byName, { equals: [tenant] })).items).toHaveLength(50)
      for (const limit of [0, 1001, 1.5]) {
        expect(await refusal(store().find(things.byName, { equals: [tenant], limit }))).toMatchObject({
          code: 'InvalidQuery',
        })
      }
    })

    test('counts no further than asked', async () => {
      const tenant = await fill(Array.from({ length: 12 }, (_, at) => [`${at}`, {}]))
      expect(await store().count(things.byName, { equals: [tenant] }, { atMost: 5 })).toBe(5)
      expect(await store().count(things.byName, { equals: [tenant] }, { atMost: 50 })).toBe(12)
    })

    test('of elements has a document under each, once', async () => {
      const tenant = await fill([
        ['a', { tags: ['x', 'y', 'x'], rank: 2 }],
        ['b', { tags: ['y'], rank: 1 }],
        ['c', { tags: [] }],
        ['d', {}],
      ])
      const tagged = (tag: string) => idsOf(things.byTag, { equals: [tenant, tag] })
      expect(await tagged('x')).toEqual(['a'])
      expect(await tagged('y')).toEqual(['b', 'a'])
      await store().commit([replace(things, thing(tenant, 'a', { tags: ['z'], rank: 0 }), 1)])
      expect([await tagged('x'), await tagged('y'), await tagged('z')]).toEqual([[], ['b'], ['a']])
      await store().commit([remove(things, `${tenant}-b`)])
      expect(await tagged('y')).toEqual([])
      expect(await store().count(things.byTag, { equals: [tenant, 'z'] }, { atMost: 9 })).toBe(1)
    })

    test('with a condition holds what meets it, and follows changes', async () => {
      const tenant = await fill([
        ['a', { status: 'active', tags: ['x'] }],
        ['b', { status: 'draft', tags: ['x'] }],
        ['c', { amount: 1n }],
      ])
      expect(await idsOf(things.byActiveName, { equals: [tenant] })).toEqual(['a'])
      expect(await idsOf(things.byActiveTag, { equals: [tenant, 'x'] })).toEqual(['a'])
      expect(await idsOf(things.byAmount, { equals: [tenant] })).toEqual(['c'])
      await store().commit([replace(things, thing(tenant, 'b', { status: 'active', tags: ['x'] }), 1)])
      await store().commit([replace(things, thing(tenant, 'a', { tags: ['x'] }), 1)])
      expect(await idsOf(things.byActiveName, { equals: [tenant] })).toEqual(['b'])
      expect(await idsOf(things.byActiveTag, { equals: [tenant, 'x'] })).toEqual(['b'])
    })

    test('shows a commit as soon as it resolves', async () => {
      const tenant = newTenant()
      for (let at = 0; at < 20; at++) {
        await store().commit([insert(things, thing(tenant, `${at}`))])
        expect(await store().count(things.byName, { equals: [tenant] }, { atMost: 50 })).toBe(at + 1)
      }
    })

    test('refuses a query that it cannot answer', async () => {
      const tenant = newTenant()
      const queries: [Index<Thing>, Query][] = [
        [things.byName, { equals: [tenant, 'a', 'b'] }],
        [things.byName, { equals: [tenant, 'a'], range: { from: 'b' } }],
        [things.byName, { equals: [tenant], range: { from: null } }],
        [things.byTag, { equals: [tenant] }],
        [things.byTag, { equals: [tenant], range: { from: 'a' } }],
        [things.byTag, { equals: [tenant, null] }],
        [things.byName, { equals: [Number.NaN] }],
        // What a caller without types may pass on from a request.
        [things.byName, { equals: [{ $gt: '' } as unknown as Scalar] }],
        [things.byName, { equals: [tenant], order: 'up' as 'asc' }],
      ]
      for (const [index, query] of queries) {
        expect(await refusal(store().find(index, query))).toMatchObject({ code: 'InvalidQuery' })
      }
    })

    test('refuses a cursor that is forged, broken or of another query', async () => {
      const one = await fill(['a', 'b'].map((id) => [id, {}]))
      const other = await fill(['a', 'b'].map((id) => [id, {}]))
      const { next = '' } = await store().find(things.byName, { equals: [one], limit: 1 })
      const cases: [Index<Thing>, Query][] = [
        [things.byName, { equals: [other], after: next }],
        [things.byRank, { equals: [one], after: next }],
        [things.byName, { equals: [one], after: 'AAAA' }],
        [things.byName, { equals: [one], after: next.slice(0, -4) }],
        [things.byName, { equals: [one], after: '' }],
        // A key of another type stands before or after all of the index, and not alike in every database.
        [things.byName, { equals: [one], after: encodeCursor({ key: [one, 7], id: 'a' }) }],
        [things.byAt, { equals: [one], after: encodeCursor({ key: [one, 7], id: 'a' }) }],
        [things.byAmount, { equals: [one], after: encodeCursor({ key: [one, 'x'], id: 'a' }) }],
        [things.byOpen, { equals: [one], after: encodeCursor({ key: [one, new Date(0)], id: 'a' }) }],
      ]
      for (const [index, query] of cases) {
        expect(await refusal(store().find(index, query))).toMatchObject({ code: 'InvalidQuery' })
      }
    })
  })
}
