import { apiKey } from '@tallystick/protocol'
import type { Account, ErrorCode } from '@tallystick/protocol'
import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { startIdentityWorld } from '../../../services/identity/src/identity-world.ts'
import type { IdentityWorld } from '../../../services/identity/src/identity-world.ts'
import { createClient, isTallystickError, RefusedError, UnansweredError } from './index.ts'
import type { ClientOptions, TallystickClient, TallystickError, TransportCode } from './index.ts'
import { startFlakyProxy } from './flaky-proxy.ts'
import type { FlakyProxy } from './flaky-proxy.ts'

let world: IdentityWorld
let proxy: FlakyProxy
beforeAll(async () => {
  world = await startIdentityWorld()
  proxy = await startFlakyProxy(world.url)
})
afterAll(async () => {
  await proxy.close()
  await world.close()
})
afterEach(() => {
  proxy.mishaps.length = 0
  proxy.keys.length = 0
})

const flaky = (options: Partial<ClientOptions> = {}) =>
  createClient({ url: proxy.url, key: world.key, firstDelayMs: 1, ...options })

let turn = 0
const developer = () => ({ role: 'developer', name: 'Model Builders', external_id: `dev_${turn++}` }) as const

async function accountsNamed(external_id: string): Promise<Account[]> {
  const direct = createClient({ url: world.url, key: world.key })
  return (await direct.identity.accounts.list.query({ external_id })).data
}

async function failureOf(call: Promise<unknown>): Promise<TallystickError> {
  try {
    await call
  } catch (error) {
    if (isTallystickError(error)) return error
    throw error
  }
  throw new Error('it was not refused')
}

describe('a change whose answer is lost', () => {
  test.each(['lose the answer', 'cut the answer'] as const)(
    'is made once, and the retry tells what was made: %s',
    async (mishap) => {
      proxy.mishaps.push(mishap, mishap)
      const input = developer()
      const made = await flaky().identity.accounts.create.mutate(input)
      expect((await accountsNamed(input.external_id)).map(({ id }) => id)).toEqual([made.id])
      expect(proxy.keys).toHaveLength(3)
      expect(proxy.keys[0]).toMatch(/^[0-9a-f-]{36}$/)
      expect(new Set(proxy.keys).size).toBe(1)
    },
  )

  test('keeps the secret that it made', async () => {
    proxy.mishaps.push('lose the answer')
    const made = await flaky().identity.apiKeys.create.mutate({ name: 'ingestion', scopes: ['usage:write'] })
    expect(made.secret).toMatch(/^sk_test_/)
  })

  test('is sent under the key that the caller gave; a new call has a new one', async () => {
    const input = developer()
    const create = (idempotencyKey?: string) =>
      flaky().identity.accounts.create.mutate(
        { ...input, external_id: undefined },
        { context: { idempotencyKey } },
      )
    const [first, again, other] = [await create('order-4711'), await create('order-4711'), await create()]
    expect(again.id).toBe(first.id)
    expect(other.id).not.toBe(first.id)
    expect(proxy.keys.slice(0, 2)).toEqual(['order-4711', 'order-4711'])
  })
})

describe('what passes is tried again', () => {
  test.each([408, 429, 502, 503, 504])('status %s', async (status) => {
    proxy.mishaps.push({ status }, { status }, 'refuse')
    const input = developer()
    expect(await flaky().identity.accounts.create.mutate(input)).toMatchObject(input)
    expect(new Set(proxy.keys).size).toBe(1)
  })

  test('a read too, without an idempotency key', async () => {
    proxy.mishaps.push('refuse', { status: 503 })
    const self = await flaky().identity.apiKeys.self.query()
    expect(self.tenant).toBe(world.tenant)
    expect(proxy.keys).toEqual([undefined, undefined, undefined])
  })

  test('when Retry-After says so and not before', async () => {
    proxy.mishaps.push({ status: 429, headers: { 'retry-after': '1' } })
    const begun = performance.now()
    await flaky().identity.apiKeys.self.query()
    expect(performance.now() - begun).toBeGreaterThan(990)
  })

  test('but not past the end of the call', async () => {
    proxy.mishaps.push({ status: 429, headers: { 'retry-after': '3600' } })
    const failure = await failureOf(flaky().identity.apiKeys.self.query())
    expect(failure).toMatchObject({ code: 'invalid_response', status: 429 })
    expect(proxy.keys).toHaveLength(1)
  })

  test('nor more often than was allowed', async () => {
    proxy.mishaps.push('refuse', 'refuse', 'refuse')
    const failure = await failureOf(flaky({ attempts: 3 }).identity.apiKeys.self.query())
    expect(failure).toMatchObject({ code: 'network', status: undefined })
    expect(proxy.keys).toHaveLength(3)
  })
})

test.each([400, 401, 403, 404, 409, 422, 500])('status %s is told at once', async (status) => {
  proxy.mishaps.push({ status, body: 'nonsense' })
  const failure = await failureOf(flaky().identity.apiKeys.self.query())
  expect(failure).toMatchObject({ code: 'invalid_response', status })
  expect(proxy.keys).toHaveLength(1)
})

describe('a refusal tells', () => {
  test('which fields were wrong', async () => {
    const failure = await failureOf(flaky().identity.accounts.create.mutate({ ...developer(), name: '' }))
    expect(failure).toBeInstanceOf(RefusedError)
    expect(failure).toMatchObject({ code: 'validation_failed', status: 400 })
    expect(failure.requestId).toMatch(/^req_/)
    expect(failure.errors.map(({ pointer }) => pointer)).toEqual(['/name', '/name'])
  })

  test.each([
    [
      'a missing object',
      (client: TallystickClient) =>
        client.identity.accounts.get.query({ account_id: `acct_${'0'.repeat(26)}` }),
      404,
      'not_found',
    ],
    [
      'a service that is not there',
      (client: TallystickClient) => client.audit.list.query({}),
      404,
      'route_not_found',
    ],
  ] as const)('%s', async (_what, call, status, code) => {
    expect(await failureOf(call(flaky()))).toMatchObject({ status, code })
  })

  test('a key that is not known, and a missing one', async () => {
    for (const key of ['sk_test_unknown', undefined]) {
      const failure = await failureOf(flaky({ key }).identity.accounts.list.query({}))
      expect(failure).toMatchObject({ code: 'unauthorized', status: 401 })
    }
  })

  test('a code of a later version by its kind', async () => {
    const body = JSON.stringify({ code: 'too_late', status: 409, detail: 'It is over', more: true })
    proxy.mishaps.push({ status: 409, body })
    const failure = await failureOf(flaky().identity.apiKeys.self.query())
    expect(failure).toMatchObject({ code: 'bad_request', status: 409, problem: { code: 'too_late' } })
  })
})

describe('a server that hangs', () => {
  test('is asked again after the time of an attempt', async () => {
    proxy.mishaps.push('hang')
    const self = await flaky({ attemptTimeoutMs: 300 }).identity.apiKeys.self.query()
    expect(apiKey.shape.id.parse(self.id)).toBe(self.id)
    // More often where the answer takes that long too.
    expect(proxy.keys.length).toBeGreaterThanOrEqual(2)
  })

  test('is given up after the time of the call', async () => {
    proxy.mishaps.push('hang', 'hang', 'hang', 'hang')
    const hasty = flaky({ random: () => 0 }).identity
    const call = hasty.apiKeys.self.query(undefined, { context: { timeoutMs: 50 } })
    expect(await failureOf(call)).toMatchObject({ code: 'timeout', status: undefined })
    // The time may be over before anything was sent.
    expect(proxy.keys.length).toBeLessThanOrEqual(1)
  })

  test('is given up when the caller says so', async () => {
    proxy.mishaps.push('hang')
    const abort = new AbortController()
    const call = flaky().identity.apiKeys.self.query(undefined, { signal: abort.signal })
    setTimeout(() => abort.abort(), 20)
    const failure = await failureOf(call)
    expect(failure).toBeInstanceOf(UnansweredError)
    expect(failure.code).toBe('aborted')
  })
})

test('the wait before a retry ends when the caller gives up', async () => {
  proxy.mishaps.push({ status: 503, headers: { 'retry-after': '60' } })
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 50)
  const call = flaky().identity.apiKeys.self.query(undefined, { signal: abort.signal })
  expect((await failureOf(call)).code).toBe('aborted')
})

test('where nobody listens the failure is of the network', async () => {
  const closed = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  const address = closed.address()
  const port = typeof address === 'object' ? address?.port : 0
  await new Promise((resolve) => closed.close(resolve))
  const client = createClient({ url: `http://127.0.0.1:${port}`, firstDelayMs: 1 })
  expect(await failureOf(client.audit.keys.query())).toMatchObject({ code: 'network' })
})

test('inputs, answers and errors are typed', () => {
  const client = flaky()
  expectTypeOf(client.identity.accounts.get.query).parameter(0).toEqualTypeOf<{ account_id: string }>()
  expectTypeOf(client.identity.accounts.get.query).returns.resolves.toExtend<Account>()
  expectTypeOf(client.licensing.licenses.create.mutate).returns.resolves.toHaveProperty('audit_id')
  expectTypeOf(client.licensing.decisions.create.mutate).returns.resolves.toHaveProperty('data')
  expectTypeOf(client.audit.list.query).returns.resolves.toHaveProperty('next_cursor')
  expectTypeOf(client.billing.prices.get.query).parameter(0).toEqualTypeOf<{ price_id: string }>()
  expectTypeOf<TallystickError['code']>().toEqualTypeOf<ErrorCode | TransportCode>()
  const failure = new RefusedError({ code: 'conflict', status: 409, detail: '' }) as TallystickError
  if (failure.code === 'timeout') expectTypeOf(failure).toEqualTypeOf<UnansweredError>()
  if (failure.code === 'conflict') expectTypeOf(failure.status).toEqualTypeOf<number>()
  // @ts-expect-error A role that is none.
  const wrong = () => client.identity.accounts.create.mutate({ role: 'king', name: 'x' })
  expect(wrong).toBeTypeOf('function')
})
