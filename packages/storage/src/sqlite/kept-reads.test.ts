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
  // One row for each statement: the version and the count of changes stay the same.
  const cacheOf = () => new ReadCache(() => [[layout.name, layout.declaration]])
  const kib = 2 ** 10

  test('has a bound for each collection, beyond which the keeping begins anew', () => {
    const cache = cacheOf()
    for (let entry = 0; entry < 12; entry++) {
      expect(cache.of(layout)?.document(`${entry}`)).toBeUndefined()
      cache.of(layout)?.keepDocument(`${entry}`, null, 1000 * kib)
      cache.begin()
    }
    const there = Array.from({ length: 12 }, (_, entry) => cache.of(layout)?.document(`${entry}`) === null)
    expect(there).toEqual([...Array.from({ length: 8 }, () => false), true, true, true, true])
    cache.of(layout)?.keepPage('SELECT', 'large', { items: [] }, 3000 * kib)
    expect([cache.of(layout)?.page('SELECT', 'large'), cache.of(layout)?.document('11')]).toEqual([
      undefined,
      null,
    ])
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
