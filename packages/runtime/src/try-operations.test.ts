import { Fault } from '@tallystick/protocol'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createApi } from './api.ts'
import { createServer } from './create-server.ts'
import { hostileRequests, tryHostileRequests } from './hostile-requests.ts'
import { orders, sampleRouter, startSample } from './idempotency/sample-service.ts'
import type { SampleService } from './idempotency/sample-service.ts'
import { createLog } from './log.ts'
import { tryOperations } from './try-operations.ts'

let database: TestDatabase
let sample: SampleService

beforeAll(async () => {
  database = await testDatabase()
  sample = await startSample(database.url)
})
afterAll(async () => {
  await sample.close()
  await database.drop()
})

test('every documented route answers its own examples as documented', async () => {
  const { server, url } = sample
  const key = await sample.keyOf('acct_examples')
  expect(await tryOperations({ url, key, server, router: sampleRouter })).toEqual([])
  const made = await sample.store.find(orders.byTenant, { equals: ['acct_examples'] })
  expect(made.items.map(({ name }) => name).toSorted()).toEqual(['a', 'b', 'paid', 'soon'])
})

test('tells an undocumented code, shape, route or content, and an example that is missing', async () => {
  const api = createApi<null>()
  const open = { scope: 'public', summary: 'x' } as const
  const get = (path: `/${string}`) => ({ method: 'GET', path }) as const
  const router = api.router({
    code: api.procedure({ ...open, rest: get('/v1/code') }).query(() => {
      throw new Fault('invalid_range')
    }),
    shape: api
      .procedure({ ...open, rest: get('/v1/shape') })
      .output(z.custom<{ a: number }>((value) => typeof value === 'object' && value !== null && 'b' in value))
      .query(() => ({ a: 1 })),
    input: api
      .procedure({ ...open, rest: get('/v1/input/{id}') })
      .input(z.strictObject({ id: z.string() }))
      .query(() => 1),
    raw: api.procedure({ ...open, rest: get('/v1/raw') }).query(({ ctx }) => ctx.answer.raw('text/csv', 'a')),
  })
  const log = createLog({ name: 'x', level: 'silent' })
  const server = createServer({ name: 'x', router, deps: null, log })
  server.get('/hidden', async () => 'x')
  server.delete('/v1/code', async () => 'x')
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const complaints = await tryOperations({ url, key: '', server, router })
  await server.close()
  const expected = [
    /^DELETE \/v1\/code is served and not documented$/,
    /^GET \/hidden is served and not documented$/,
    /^GET \/v1\/code .*422: the status is not documented$/,
    /^GET \/v1\/code .*the error code invalid_range is not documented$/,
    /^GET \/v1\/code .*refuses its own example/,
    /^GET \/v1\/shape .*refuses its own example/,
    /^GET \/v1\/input\/\{id\} \(input\) has no example of its input$/,
    /^GET \/v1\/raw .*the content type "text\/csv" is not documented$/,
  ]
  expect(complaints).toHaveLength(expected.length)
  for (const [place, pattern] of expected.entries()) expect(complaints[place]).toMatch(pattern)
})

test('more than 60 hostile requests are refused clearly and change nothing', async () => {
  const key = await sample.keyOf('acct_hostile')
  const good = { name: 'a' }
  expect(hostileRequests(good).length).toBeGreaterThan(60)
  expect(await tryHostileRequests({ url: `${sample.url}/v1/orders`, key, good })).toEqual([])
  expect((await sample.store.find(orders.byTenant, { equals: ['acct_hostile'] })).items).toEqual([])
})
