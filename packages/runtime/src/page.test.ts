import { collection, insert, openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { listPage } from './page.ts'

const things = collection('page_things', {
  schema: z.strictObject({ id: z.string(), tenant: z.string(), kind: z.string(), place: z.number() }),
  partition: 'tenant',
  indexes: { byPlace: ['tenant', 'place'], byKind: ['tenant', 'kind', 'place'] },
})

let database: TestDatabase
let store: Store

beforeAll(async () => {
  database = await testDatabase()
  store = await openStore(database.url, { name: 'page-test', collections: [things] })
  const made = Array.from({ length: 5 }, (_, place) =>
    insert(things, { id: `t${place}`, tenant: 'acct_a', kind: 'x', place }),
  )
  await store.commit(made)
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

const list = (input: object, tenant = 'acct_a', url = '/v1/things', kind?: string) =>
  listPage(
    { tenant, url },
    { limit: 2, ...input },
    (query) =>
      kind === undefined
        ? store.find(things.byPlace, { equals: [tenant], ...query })
        : store.find(things.byKind, { equals: [tenant, kind], ...query }),
    ({ place }) => place,
  )

test('pages go from the newest on, and back from a cursor', async () => {
  const before = new Date().toISOString()
  const first = await list({})
  expect(first).toMatchObject({ object: 'list', data: [4, 3], has_more: true, url: '/v1/things' })
  const second = await list({ starting_after: first.next_cursor })
  expect(second.data).toEqual([2, 1])
  const last = await list({ starting_after: second.next_cursor })
  const { server_time, ...rest } = last
  expect(rest).toEqual({ object: 'list', data: [0], has_more: false, url: '/v1/things' })
  // To the millisecond, so that a caller can tell how far its own clock is from ours.
  expect([before, server_time, new Date().toISOString()].toSorted()[1]).toBe(server_time)
  expect((await list({ ending_before: second.next_cursor })).data).toEqual([3, 2])
})

test('a cursor is good for its own tenant, list and filter alone', async () => {
  const { next_cursor: cursor = '' } = await list({})
  const refused = (pointer: string) => ({ code: 'validation_failed', errors: [{ pointer }] })
  for (const name of ['starting_after', 'ending_before']) {
    const attempts = [
      list({ [name]: cursor }, 'acct_b'),
      list({ [name]: cursor }, 'acct_a', '/v1/others'),
      list({ [name]: cursor }, 'acct_a', '/v1/things', 'x'),
      list({ [name]: 'garbled' }),
      list({ [name]: cursor.slice(0, -4) }),
      list({ [name]: cursor.slice(0, 10) }),
    ]
    for (const outcome of await Promise.allSettled(attempts))
      expect(outcome).toMatchObject({ status: 'rejected', reason: refused(`/${name}`) })
  }
  await expect(list({ starting_after: cursor, ending_before: cursor })).rejects.toMatchObject(
    refused('/ending_before'),
  )
})
