import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Scalar } from '../collection.ts'
import type { ContractSubject } from './subject.ts'
import type { Query, Store } from '../store.ts'
import { ensure, expect as unchanged, increment, insert, remove, replace, type Write } from '../write.ts'
import { Model } from './model.ts'
import { newTenant, refusal, sharedStore, type Thing, things } from './things.ts'

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const name = fc.constantFrom('', 'a', 'Z', 'é', '\uffff', '\u{1f600}')
const rank = fc.option(fc.constantFrom(-1, 0, 2.5, 3, 2 ** 33), { nil: null })
const tag = fc.constantFrom('x', 'y', 'z')
const document = fc.record(
  {
    id,
    name,
    rank,
    amount: fc.bigInt(-4n, 4n),
    status: fc.constantFrom('active' as const, 'draft' as const),
    tags: fc.array(tag, { maxLength: 4 }),
  },
  { requiredKeys: ['id', 'name'] },
)
// How far the version that a write names is from the one that is there.
const off = fc.constantFrom(0, 0, 0, 1)
const write = fc.oneof(
  fc.record({ type: fc.constantFrom('insert' as const, 'ensure' as const), document }),
  fc.record({ type: fc.constant('replace' as const), document, off }),
  fc.record({
    type: fc.constant('increment' as const),
    document,
    by: fc.bigInt(-3n, 3n),
    atLeast: fc.option(fc.bigInt(-3n, 0n), { nil: undefined }),
    atMost: fc.option(fc.bigInt(0n, 5n), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('expect' as const), document, off }),
  fc.record({ type: fc.constant('remove' as const), document, off, any: fc.boolean() }),
)
const indexes = fc.constantFrom(
  ...([
    [things.byName, [], name],
    [things.byRank, [], fc.constantFrom(-1, 0, 2.5, 3)],
    [things.byRank, [rank], name],
    [things.byRank, [rank, name], undefined],
    [things.byAmount, [], fc.bigInt(-4n, 4n)],
    [things.byTag, [tag], fc.constantFrom(-1, 0, 2.5, 3)],
    [things.byActiveTag, [tag], undefined],
    [things.byActiveName, [], name],
    [things.byActiveName, [name], undefined],
  ] as const),
)
const query = indexes.chain(([index, equals, bound]) =>
  fc.record({
    type: fc.constant('find' as const),
    index: fc.constant(index),
    equals: fc.tuple(...(equals as readonly fc.Arbitrary<Scalar>[])),
    range: bound === undefined ? fc.constant(undefined) : ranges(bound),
    order: fc.constantFrom('asc' as const, 'desc' as const),
    limit: fc.integer({ min: 1, max: 4 }),
  }),
)

function ranges(bound: fc.Arbitrary<Scalar>) {
  return fc.option(
    fc.record({ from: bound, after: bound, before: bound, upTo: bound }, { requiredKeys: [] }),
    {
      nil: undefined,
    },
  )
}

/** Random operations against a plain model: the same answers, refusals, order and versions. */
export function modelCases(subject: ContractSubject): void {
  describe('any list of operations', () => {
    const store = sharedStore(subject)
    const commit = fc.record({
      type: fc.constant('commit' as const),
      writes: fc.array(write, { minLength: 1, maxLength: subject.transactions ? 4 : 1 }),
    })
    const insertMany = fc.record({
      type: fc.constant('insertMany' as const),
      documents: fc.array(document, { maxLength: 4 }),
    })
    const operations = fc.array(
      fc.oneof({ weight: 3, arbitrary: commit }, insertMany, { weight: 2, arbitrary: query }),
      {
        minLength: 4,
        maxLength: 24,
      },
    )

    test('has the answers that the model gives', async () => {
      await fc.assert(
        fc.asyncProperty(operations, async (list) => {
          const tenant = newTenant()
          const model = new Model()
          const own = (document: Omit<Thing, 'tenant'>): Thing => ({
            ...document,
            id: `${tenant}-${document.id}`,
            tenant,
          })
          for (const operation of list) {
            if (operation.type === 'commit') {
              const writes = writesOf(operation.writes, model, own)
              const got = await refusal(store().commit(writes))
              expect(got && { code: got.code, write: got.write }).toEqual(model.commit(writes))
            } else if (operation.type === 'insertMany') {
              const documents = operation.documents.map(own)
              expect(await store().insertMany(things, documents)).toEqual(model.insertMany(documents))
            } else {
              const { index, order, limit } = operation
              const asked = { equals: [tenant, ...operation.equals], range: operation.range, order }
              const expected = model.find(index, asked)
              expect(await allPages(store(), index, { ...asked, limit })).toEqual(expected)
              expect(await store().count(index, asked, { atMost: 3 })).toBe(Math.min(3, expected.length))
            }
          }
          const all = { equals: [tenant] }
          expect(await allPages(store(), things.byName, all)).toEqual(model.find(things.byName, all))
        }),
        { numRuns: 120 },
      )
    })
  })
}

type Drawn = typeof write extends fc.Arbitrary<infer W> ? W : never

function writesOf(
  drawn: readonly Drawn[],
  model: Model,
  own: (document: Omit<Thing, 'tenant'>) => Thing,
): Write[] {
  return drawn.map((each): Write => {
    const document = own(each.document)
    const version = model.version(document.id) + ('off' in each ? each.off : 0) || 1
    switch (each.type) {
      case 'insert':
        return insert(things, document)
      case 'ensure':
        return ensure(things, document)
      case 'replace':
        return replace(things, document, version)
      case 'increment': {
        const bounds = {
          ...(each.atLeast !== undefined && { atLeast: each.atLeast }),
          ...(each.atMost !== undefined && { atMost: each.atMost }),
        }
        const { tenant, name } = document
        return increment(things, document.id, { amount: each.by }, { amount: bounds }, { tenant, name })
      }
      case 'expect':
        return unchanged(things, document.id, version)
      default:
        return each.any ? remove(things, document.id) : remove(things, document.id, version)
    }
  })
}

async function allPages(store: Store, index: Parameters<Store['find']>[0], query: Query): Promise<unknown[]> {
  const items: unknown[] = []
  let after: string | undefined
  do {
    const page = await store.find(index, { ...query, after })
    items.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return items
}
