import { expect, test } from 'vitest'
import { z } from 'zod'
import { collection } from '../collection.ts'
import { ensure, increment, insert, expect as unchanged, remove, replace } from '../write.ts'
import { runsOf } from './transaction.ts'

const schema = z.strictObject({ id: z.string(), count: z.number().optional() })
const left = collection('left', { schema, partition: 'id' })
const right = collection('right', { schema, partition: 'id' })

const writes = [
  insert(left, { id: 'a' }),
  insert(left, { id: 'b' }),
  insert(right, { id: 'a' }),
  insert(left, { id: 'c' }),
  ensure(left, { id: 'd' }),
  replace(left, { id: 'a' }, 1),
  remove(left, 'b', 1),
  increment(left, 'c', { count: 1 }),
  unchanged(left, 'd', 1),
]

function shapeOf(together: boolean) {
  return runsOf(writes, together).map(({ manner, first, collection, writes }) => [
    manner,
    collection.name,
    first,
    writes.length,
  ])
}

test('a commit is sent in runs of one collection, never out of order', () => {
  expect(shapeOf(true)).toEqual([
    ['insert', 'left', 0, 2],
    ['insert', 'right', 2, 1],
    ['insert', 'left', 3, 1],
    ['ensure', 'left', 4, 1],
    ['change', 'left', 5, 4],
  ])
  expect(runsOf(writes, true).flatMap((run) => run.writes)).toEqual(writes)
})

test('the second try sends each change alone, so that the one that fails is known', () => {
  expect(shapeOf(false).slice(4)).toEqual([
    ['change', 'left', 5, 1],
    ['change', 'left', 6, 1],
    ['change', 'left', 7, 1],
    ['change', 'left', 8, 1],
  ])
})

test('a commit of thousands of inserts is one message', () => {
  const many = Array.from({ length: 4096 }, (_, at) => insert(left, { id: `${at}` }))
  expect(runsOf(many, true)).toHaveLength(1)
  expect(runsOf(many, false)).toHaveLength(1)
})
