import { expect, test } from 'vitest'
import { z } from 'zod'
import { collection } from '../collection.ts'
import { ensure, increment, insert, expect as unchanged, remove, replace } from '../write.ts'
import { runsOf } from './transaction.ts'

const schema = z.strictObject({ id: z.string(), count: z.number().optional() })
const left = collection('left', { schema, partition: 'id' })
const right = collection('right', { schema, partition: 'id' })
const named = collection('named', {
  schema: z.strictObject({ id: z.string(), name: z.string(), tenant: z.string() }),
  partition: 'tenant',
  indexes: { byName: { keys: ['tenant', 'name'], unique: true } },
})

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
  return runsOf(writes, together).map(({ manner, positions, collection, writes }) => [
    manner,
    collection.name,
    positions[0],
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

test('documents that are ensured and changed in turns are two messages', () => {
  const turns = Array.from({ length: 100 }, (_, at) => [
    ensure(left, { id: `${at}` }),
    replace(left, { id: `${at}`, count: 1 }, 1),
  ]).flat()
  expect(runsOf(turns, true).map(({ manner, writes }) => [manner, writes.length])).toEqual([
    ['ensure', 100],
    ['change', 100],
  ])
  expect(runsOf(turns, true)[1]?.positions.slice(0, 3)).toEqual([1, 3, 5])
})

test('an ensure passes no write of its document, and none where an index is unique', () => {
  const again = [ensure(left, { id: 'a' }), remove(left, 'b', 1), ensure(left, { id: 'b' })]
  expect(runsOf(again, true).map(({ manner }) => manner)).toEqual(['ensure', 'change', 'ensure'])
  const one = (id: string) => ({ id, name: 'n', tenant: 't' })
  const freed = [ensure(named, one('a')), remove(named, 'b', 1), ensure(named, one('c'))]
  expect(runsOf(freed, true).map(({ manner }) => manner)).toEqual(['ensure', 'change', 'ensure'])
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
