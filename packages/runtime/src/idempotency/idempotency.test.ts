import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { orders, startSample } from './sample-service.ts'
import type { Pause, SampleService } from './sample-service.ts'

let database: TestDatabase
let sample: SampleService
let slow: SampleService
let key: string
let tenant: string
let round = 0
let clock = Date.parse('2026-01-01T00:00:00Z')
let reach: (pause: Pause) => Promise<void>

beforeAll(async () => {
  database = await testDatabase()
  const now = () => new Date(clock)
  sample = await startSample(database.url, { now })
  // A second copy, whose requests stop where the test says.
  slow = await startSample(database.url, { now, reach: (pause) => reach(pause) })
})
afterAll(async () => {
  await sample.close()
  await slow.close()
  await database.drop()
})
beforeEach(async () => {
  tenant = `acct_${round++}`
  key = await sample.keyOf(tenant)
  reach = () => Promise.resolve()
})

interface TrpcAnswer {
  result: { data: object }
  error: { data: { problem: { code: string } } }
}
interface Sent {
  path?: string
  method?: string
  body?: unknown
  idempotencyKey?: string
  to?: SampleService
  as?: string
}
async function send(sent: Sent) {
  const { path = '/v1/orders', method = 'POST', body = { name: 'a' }, to = sample, as = key } = sent
  const response = await fetch(to.url + path, {
    method,
    body: JSON.stringify(body),
    headers: {
      authorization: `Bearer ${as}`,
      'content-type': 'application/json',
      ...(sent.idempotencyKey !== undefined && { 'idempotency-key': sent.idempotencyKey }),
    },
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text ? JSON.parse(text) : undefined,
  }
}
const made = async () => (await sample.store.find(orders.byTenant, { equals: [tenant] })).items.length

describe('a repetition', () => {
  test('gets the first answer, byte for byte, with its status and headers', async () => {
    const first = await send({ idempotencyKey: 'k' })
    const again = await send({ idempotencyKey: 'k' })
    expect(first.status).toBe(201)
    expect(first.headers.has('idempotent-replayed')).toBe(false)
    expect([again.status, again.text]).toEqual([201, first.text])
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    for (const name of ['location', 'content-type']) {
      expect(again.headers.get(name)).toBe(first.headers.get(name))
    }
    expect(await made()).toBe(1)
  })

  test('may carry the key in the body, and order its members as it likes', async () => {
    const first = await send({ body: { name: 'a', idempotency_key: 'k' } })
    const again = await send({ body: { idempotency_key: 'k', name: 'a' }, idempotencyKey: 'k' })
    expect([again.status, again.text]).toEqual([201, first.text])
    expect(await made()).toBe(1)
  })

  test('of an answer without content gets none again', async () => {
    const note = { path: '/v1/orders/x/note', method: 'PUT', body: { text: 'n' } }
    const [first, again] = [
      await send({ ...note, idempotencyKey: 'n' }),
      await send({ ...note, idempotencyKey: 'n' }),
    ]
    expect([first.status, again.status, again.text]).toEqual([204, 204, ''])
    expect(await made()).toBe(1)
  })

  test('gets a refusal of the request again, with the id of the request that was refused', async () => {
    const refused = { body: { name: 'refused' }, idempotencyKey: 'k' }
    const [first, again] = [await send(refused), await send(refused)]
    expect([first.status, first.json.code]).toEqual([409, 'invalid_state'])
    expect([again.status, again.text]).toEqual([409, first.text])
    expect(again.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  })

  test.each([
    ['a request that was not as required', { name: 1 }, 400],
    ['a conflict', { name: 'conflict' }, 409],
  ])('runs anew after %s', async (_what, body, status) => {
    expect((await send({ body, idempotencyKey: 'k' })).status).toBe(status)
    expect((await send({ body, idempotencyKey: 'k' })).headers.has('idempotent-replayed')).toBe(false)
    expect((await send({ idempotencyKey: 'k' })).status).toBe(201)
  })

  test('over tRPC gets the first answer too', async () => {
    const call = async (name: string) => {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'idempotency-key': 'k',
      }
      const url = `${sample.url}/trpc/sample/create`
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ name }) })
      return {
        replayed: response.headers.get('idempotent-replayed'),
        json: (await response.json()) as TrpcAnswer,
      }
    }
    const [first, again, other] = [await call('a'), await call('a'), await call('b')]
    expect([again.json, again.replayed]).toEqual([first.json, 'true'])
    expect(other.json.error.data.problem.code).toBe('idempotency_key_reused')
    expect((await send({ idempotencyKey: 'k' })).json).toEqual(first.json.result.data)
    expect(await made()).toBe(1)
  })
})

test.each([
  ['no key', {}, 400, 'idempotency_key_missing'],
  [
    'two keys',
    { body: { name: 'a', idempotency_key: 'k' }, idempotencyKey: 'l' },
    400,
    'idempotency_key_mismatch',
  ],
  ['an empty key in the body', { body: { name: 'a', idempotency_key: '' } }, 400, 'validation_failed'],
  ['a key that is a number', { body: { name: 'a', idempotency_key: 7 } }, 400, 'validation_failed'],
  ['a key of 256 characters', { idempotencyKey: 'k'.repeat(256) }, 400, 'bad_request'],
] as const)('refuses %s', async (_what, sent, status, code) => {
  const answer = await send(sent)
  expect([answer.status, answer.json.code]).toEqual([status, code])
  expect(await made()).toBe(0)
})

test('a key is good for one request', async () => {
  await send({ idempotencyKey: 'k' })
  for (const other of [{ body: { name: 'b' } }, { path: '/v1/orders/pay' }]) {
    const answer = await send({ ...other, idempotencyKey: 'k' })
    expect([answer.status, answer.json.code]).toEqual([422, 'idempotency_key_reused'])
  }
  expect(await made()).toBe(1)
})

test('accounts have keys of their own', async () => {
  const first = await send({ idempotencyKey: 'k' })
  const other = await send({ idempotencyKey: 'k', as: await sample.keyOf(`${tenant}_other`) })
  expect(other.json.id).not.toBe(first.json.id)
})

test('a key is kept for a day at least, and forgotten some time after', async () => {
  const first = await send({ idempotencyKey: 'k' })
  clock += 24 * 3_600_000
  expect((await send({ idempotencyKey: 'k' })).text).toBe(first.text)
  clock += 48 * 3_600_000
  expect((await send({ idempotencyKey: 'k' })).headers.has('idempotent-replayed')).toBe(false)
  expect(await made()).toBe(2)
})

/** Holds the first request that comes to `pause` until it is released. */
function holdAt(pause: Pause) {
  const reached = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  reach = async (place) => {
    if (place !== pause) return
    reached.resolve()
    await release.promise
  }
  return { reached: reached.promise, release: () => release.resolve() }
}

test('a request that still runs is not run again', async () => {
  const hold = holdAt('in plan')
  const first = send({ idempotencyKey: 'k', to: slow })
  await hold.reached
  const second = await send({ idempotencyKey: 'k' })
  expect([second.status, second.json.code]).toEqual([409, 'idempotency_in_progress'])
  expect(second.headers.get('retry-after')).toBe('1')
  const other = await send({ idempotencyKey: 'k', body: { name: 'b' } })
  expect(other.json.code).toBe('idempotency_key_reused')
  hold.release()
  const answered = await first
  expect((await send({ idempotencyKey: 'k' })).text).toBe(answered.text)
  expect(await made()).toBe(1)
})

test('after the lock a repetition takes over, and the slow first writes nothing', async () => {
  const hold = holdAt('in plan')
  const first = send({ idempotencyKey: 'k', to: slow })
  await hold.reached
  clock += 120_000
  const second = await send({ idempotencyKey: 'k' })
  expect(second.status).toBe(201)
  hold.release()
  const late = await first
  expect([late.status, late.json.code]).toEqual([409, 'idempotency_in_progress'])
  expect((await send({ idempotencyKey: 'k' })).text).toBe(second.text)
  expect(await made()).toBe(1)
})

test('a change in several commits has one request key, and its answer is kept at the end', async () => {
  const hold = holdAt('in pay')
  const pay = { path: '/v1/orders/pay', idempotencyKey: 'k' }
  const first = send({ ...pay, to: slow })
  await hold.reached
  clock += 120_000
  const second = await send(pay)
  hold.release()
  expect([second.status, (await first).status]).toEqual([202, 409])
  expect((await send(pay)).text).toBe(second.text)
  expect(await made()).toBe(1)
})
