import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { plain } from '../contract/things.ts'
import { layoutOf } from './layout.ts'
import { ReadCache } from './read-cache.ts'

const layout = layoutOf({ ...plain, readMostly: true })

test('a declaration says that a collection is read-mostly, and nothing where it is not', () => {
  expect(layout.declaration).not.toBe(layoutOf(plain).declaration)
  // As files of before say it, in which nothing is to be built anew.
  expect(layoutOf(plain).declaration).toBe('["id",null,[]]')
})

describe('the memory of what is kept', () => {
  const small = { ...layout, name: 'small' }
  // Rows that both statements can have: the version and the counts of changes stay the same.
  const cacheOf = () =>
    new ReadCache(() => [layout, small].map(({ name, declaration }) => [name, declaration]))
  const kib = 2 ** 10

  test('has a bound for all collections, beyond which the keeping of the largest begins anew', () => {
    const cache = cacheOf()
    cache.of(small)?.keepDocument('mine', null, 1000 * kib)
    for (let entry = 0; entry < 40; entry++) {
      expect(cache.of(layout)?.document(`${entry}`)).toBeUndefined()
      cache.of(layout)?.keepDocument(`${entry}`, null, 1000 * kib)
      cache.begin()
    }
    const there = Array.from({ length: 40 }, (_, entry) => cache.of(layout)?.document(`${entry}`) === null)
    // Two bytes of memory for each of BSON: 31 of 64 MiB, and one of the other collection, which stays.
    expect(there).toEqual(Array.from({ length: 40 }, (_, entry) => entry >= 31))
    expect(cache.of(small)?.document('mine')).toBeNull()
    cache.of(layout)?.keepPage('SELECT', 'large', { items: [] }, 3000 * kib)
    const large = cache.of(layout)?.page('SELECT', 'large')
    expect([large, cache.of(layout)?.document('39')]).toEqual([undefined, null])
    expect(cache.of({ ...layout, name: 'other' })).toBeUndefined()
  })

  test('is not that of the texts which the ids were cut from', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const reads = cacheOf().of(layout)
    const before = used()
    for (let entry = 0; entry < 500; entry++)
      reads?.keepDocument(
        Buffer.alloc(100 * kib, `${entry};`)
          .toString('latin1')
          .slice(0, 40),
        null,
        0,
      )
    expect(used() - before).toBeLessThan(10_000 * kib)
    expect(reads?.document('7;'.repeat(20))).toBeNull()
  })
})
