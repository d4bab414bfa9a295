import { describe, expect, test } from 'vitest'
import type { ContractSubject } from './subject.ts'
import type { Store } from '../store.ts'
import { increment, insert, replace } from '../write.ts'
import { newDatabase, plain, refusal, transactionTest } from './things.ts'

/** What holds when several connections write at the same time. */
export function raceCases(subject: ContractSubject): void {
  describe('two connections', () => {
    const together = transactionTest(subject)
    const withTwo = async (run: (stores: [Store, Store]) => Promise<void>) => {
      const database = newDatabase()
      const stores: [Store, Store] = [
        await subject.open([plain], database),
        await subject.open([plain], database),
      ]
      try {
        await run(stores)
      } finally {
        for (const store of stores) await store.close()
      }
    }

    test('lose no update that attempt makes', async () => {
      await withTwo(async (stores) => {
        await stores[0].insertMany(plain, [{ id: 'counter', count: 0 }])
        const add = async (store: Store) => {
          for (let at = 0; at < 10; at++) {
            await store.attempt(async () => {
              const { version, ...counter } = (await store.get(plain, 'counter')) ?? {
                id: 'counter',
                version: 1,
              }
              await store.commit([replace(plain, { ...counter, count: (counter.count ?? 0) + 1 }, version)])
            })
          }
        }
        await Promise.all([...stores, ...stores].map(add))
        expect(await stores[0].get(plain, 'counter')).toEqual({ id: 'counter', count: 40, version: 41 })
      })
    })

    test('count every increment once, and create a counter once', async () => {
      await withTwo(async (stores) => {
        const add = (store: Store) => store.commit([increment(plain, 'sum', { count: 1 })])
        await Promise.all(Array.from({ length: 50 }, () => stores.map(add)).flat())
        expect(await stores[1].get(plain, 'sum')).toEqual({ id: 'sum', count: 100, version: 100 })
      })
    })

    test('never pass a bound together', async () => {
      await withTwo(async (stores) => {
        await stores[0].commit([increment(plain, 'purse', { count: 10 })])
        const spend = Array.from({ length: 30 }, (_, at) =>
          refusal(
            stores[at % 2]?.commit([increment(plain, 'purse', { count: -1 }, { count: { atLeast: 0 } })]) ??
              Promise.resolve(),
          ),
        )
        const outcomes = await Promise.all(spend)
        expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(10)
        expect(outcomes.filter((outcome) => outcome?.code === 'OutOfBounds')).toHaveLength(20)
        expect((await stores[1].get(plain, 'purse'))?.count).toBe(0)
      })
    })

    test('insert an id once', async () => {
      await withTwo(async (stores) => {
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, at) =>
            refusal(stores[at % 2]?.commit([insert(plain, { id: 'once', count: at })]) ?? Promise.resolve()),
          ),
        )
        expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1)
        expect(outcomes.filter((outcome) => outcome?.code === 'DuplicateKey')).toHaveLength(19)
      })
    })

    together('carry out every commit, however many meet at one document', async () => {
      await withTwo(async (stores) => {
        const commits = Array.from({ length: 24 }, (_, at) =>
          stores[0].commit([
            insert(plain, { id: `entry-${at}` }),
            increment(plain, 'balance', { count: at }),
            increment(plain, `side-${at % 3}`, { count: 1 }),
          ]),
        )
        await Promise.all(commits)
        const [balance, side] = await stores[1].getMany(plain, ['balance', 'side-0'])
        expect(balance).toEqual({ id: 'balance', count: 276, version: 24 })
        expect(side).toEqual({ id: 'side-0', count: 8, version: 8 })
      })
    })

    together('keep the sum of two accounts while they move money both ways', async () => {
      await withTwo(async (stores) => {
        await stores[0].insertMany(plain, [
          { id: 'left', count: 5 },
          { id: 'right', count: 5 },
        ])
        const move = (store: Store, from: string, to: string) =>
          refusal(
            store.attempt(() =>
              store.commit([
                increment(plain, to, { count: 1 }),
                increment(plain, from, { count: -1 }, { count: { atLeast: 0 } }),
              ]),
            ),
          )
        await Promise.all(
          Array.from({ length: 20 }, (_, at) => [
            move(stores[0], at % 3 === 0 ? 'left' : 'right', at % 3 === 0 ? 'right' : 'left'),
            move(stores[1], 'left', 'right'),
          ]).flat(),
        )
        const [left, right] = await stores[0].getMany(plain, ['left', 'right'])
        expect((left?.count ?? 0) + (right?.count ?? 0)).toBe(10)
        expect(Math.min(left?.count ?? 0, right?.count ?? 0)).toBeGreaterThanOrEqual(0)
      })
    })
  })
}
