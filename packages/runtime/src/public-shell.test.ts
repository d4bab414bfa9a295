import { openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import type { Scope } from '@tallystick/protocol'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createApi } from './api.ts'
import { idempotency } from './idempotency/records.ts'
import { apiKeys } from './api-keys.ts'
import { createServer } from './create-server.ts'
import { systemEntropy } from './entropy.ts'
import { keyStore } from './keys.ts'
import { createLog } from './log.ts'
import { rateLimiter } from './rate-limiter.ts'

const api = createApi<null>()
const who = z.strictObject({ tenant: z.string(), account: z.string(), role: z.string() })
const old = {
  since: new Date('2026-01-01T00:00:00Z'),
  sunset: new Date('2027-06-30T23:59:59Z'),
  link: 'https://docs.example/old',
}
const router = api.router({
  who: api
    .procedure({ summary: 'Who', scope: 'licenses:read', rest: { method: 'GET', path: '/v1/who' } })
    .output(who)
    .query(({ ctx: { caller } }) => ({ tenant: caller.tenant, account: caller.account, role: caller.role })),
  run: api
    .procedure({ summary: 'Run', scope: 'admin', rest: { method: 'POST', path: '/v1/run' } })
    .mutation(() => 'ran'),
  open: api
    .procedure({
      summary: 'Open',
      scope: 'public',
      deprecated: old,
      rest: { method: 'GET', path: '/v1/open' },
    })
    .output(z.string())
    .query(() => 'open'),
})

let database: TestDatabase
let store: Store
let server: FastifyInstance
let clock = Date.parse('2026-01-01T00:00:00Z')
let keyOf: (scopes: Scope[], plan?: string) => Promise<Record<string, string>>

beforeAll(async () => {
  database = await testDatabase()
  store = await openStore(database.url, { name: 'shell-test', collections: [apiKeys, idempotency] })
  const keys = keyStore(store, { ...systemEntropy(), mode: 'test' })
  keyOf = async (scopes, plan = 'unlimited') => {
    const { secret } = await keys.createKey({ tenant: 'acct_home', scopes, mode: 'test', plan })
    return { authorization: `Bearer ${secret}` }
  }
  server = createServer({
    name: 'shell',
    router,
    deps: null,
    log: createLog({ name: 'shell', level: 'silent' }),
    keys,
    store,
    now: () => new Date(clock),
    trustProxy: ['loopback'],
    ratePlans: {
      small: { requests: 10, windowSeconds: 60, burst: 3 },
      public: { requests: 60, windowSeconds: 60, burst: 2 },
    },
  })
})
afterAll(async () => {
  await server.close()
  await store.close()
  await database.drop()
})

const whoami = (headers: Record<string, string>) => server.inject({ url: '/v1/who', headers })
const from = (address: string, headers = {}) => ({ 'x-forwarded-for': address, ...headers })

test('a plan gives its burst at once, then its rate, each key for itself', async () => {
  const key = await keyOf(['licenses:read'], 'small')
  const left: unknown[] = []
  for (let count = 0; count < 3; count++) left.push((await whoami(key)).headers['ratelimit'])
  expect(left).toEqual(['"small";r=2;t=6', '"small";r=1;t=12', '"small";r=0;t=18'])
  const refused = await whoami(key)
  expect(refused.statusCode).toBe(429)
  expect(refused.headers).toMatchObject({
    'ratelimit-policy': '"small";q=10;w=60',
    ratelimit: '"small";r=0;t=6',
    'retry-after': '6',
    'content-type': 'application/problem+json; charset=utf-8',
  })
  expect(refused.json()).toMatchObject({
    code: 'rate_limited',
    detail: expect.stringContaining('10 requests in 60 s'),
  })
  expect((await whoami(await keyOf(['licenses:read'], 'small'))).statusCode).toBe(200)
  clock += 6000
  expect([(await whoami(key)).statusCode, (await whoami(key)).statusCode]).toEqual([200, 429])
  clock += 60_000
  expect((await whoami(key)).headers['ratelimit']).toBe('"small";r=2;t=6')
})

test('unlimited keys carry no limit; keys of an unknown plan have the standard one', async () => {
  expect((await whoami(await keyOf(['licenses:read']))).headers).not.toHaveProperty('ratelimit')
  const odd = await whoami(await keyOf(['licenses:read'], 'no such plan'))
  expect(odd.headers['ratelimit-policy']).toMatch(/^"standard";q=/)
})

test('without a key, and with a bad one, the address is counted', async () => {
  const open = (address: string) => server.inject({ url: '/v1/open', headers: from(address) })
  expect((await open('192.0.2.1')).headers['ratelimit']).toBe('"public";r=1;t=1')
  const guess = () => whoami(from('192.0.2.1', { authorization: 'Bearer sk_test_guess' }))
  expect((await guess()).statusCode).toBe(401)
  expect((await guess()).statusCode).toBe(429)
  expect((await open('192.0.2.1')).statusCode).toBe(429)
  expect((await open('192.0.2.2')).statusCode).toBe(200)
  const trpc = () => server.inject({ url: '/trpc/shell/open', headers: from('192.0.2.3') })
  expect([(await trpc()).statusCode, (await trpc()).statusCode, (await trpc()).statusCode]).toEqual([
    200, 200, 429,
  ])
})

test('X-Forwarded-For counts only as far as trusted proxies wrote it', async () => {
  const left = async (forwarded: string, remoteAddress: string) => {
    const asked = { url: '/v1/open', headers: { 'x-forwarded-for': forwarded }, remoteAddress }
    return (await server.inject(asked)).headers['ratelimit']
  }
  const [full, used] = ['"public";r=1;t=1', '"public";r=0;t=2']
  // Behind the proxy, what the caller itself wrote stands before what the proxy saw.
  expect(await left('203.0.113.1', '127.0.0.1')).toBe(full)
  expect(await left('198.51.100.99, 203.0.113.1', '127.0.0.1')).toBe(used)
  expect(await left('203.0.113.2', '127.0.0.1')).toBe(full)
  // Past the proxy, all of it is invented.
  expect(await left('203.0.113.3', '203.0.113.9')).toBe(full)
  expect(await left('203.0.113.4', '203.0.113.9')).toBe(used)
})

test('the log has the address that a trusted proxy tells, and no other', async () => {
  const lines: string[] = []
  const log = createLog({ name: 'logged', level: 'debug' }, { write: (line) => void lines.push(line) })
  const logged = createServer({
    name: 'logged',
    router: api.router({}),
    deps: null,
    log,
    trustProxy: ['10.0.0.0/8'],
  })
  const headers = from('198.51.100.9, 203.0.113.1')
  for (const remoteAddress of ['10.1.2.3', '192.0.2.1'])
    await logged.inject({ url: '/livez', headers, remoteAddress })
  await logged.close()
  const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  expect(requests.map(({ address }) => address)).toEqual(['203.0.113.1', '192.0.2.1'])
})

test('one who owns a network of IPv6 is one caller', async () => {
  const from = (remoteAddress: string) => server.inject({ url: '/v1/open', remoteAddress })
  const answers = [await from('2001:db8::1'), await from('2001:db8::2:1'), await from('2001:db8::3:1')]
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429])
})

test('each of several copies grants its part of a plan', async () => {
  const plan = { requests: 10, windowSeconds: 60, burst: 4 }
  const told: Record<string, unknown> = {}
  const reply = { header: (name: string, value: unknown) => Object.assign(told, { [name]: value }) && reply }
  const granted = (copies: number) => {
    const limiter = rateLimiter({ standard: plan }, () => new Date(0), copies)
    for (let count = 0; ; count++) {
      try {
        limiter.ofCaller({ plan: 'standard', keyId: 'key_1' }, reply)
      } catch {
        return [count, told['ratelimit-policy']]
      }
    }
  }
  expect(granted(1)).toEqual([4, '"standard";q=10;w=60'])
  expect(granted(2)).toEqual([2, '"standard";q=5;w=60'])
  expect(granted(100)).toEqual([1, '"standard";q=1;w=60'])
})

const tenant = 'acct_01kqxq5t8r0000000000000000'

test('a service acts for the tenant that it names, with every scope but those that run tenants', async () => {
  const service = { ...(await keyOf(['service'])), 'tallystick-tenant': tenant }
  expect((await whoami(service)).json()).toEqual({ tenant, account: tenant, role: 'operator' })
  const run = await server.inject({ method: 'POST', url: '/v1/run', headers: service })
  expect([run.statusCode, run.json().code]).toEqual([403, 'forbidden'])
  for (const bad of ['', 'acct_x', `${tenant},${tenant}`]) {
    expect((await whoami({ ...service, 'tallystick-tenant': bad })).statusCode).toBe(400)
  }
})

test('no other key may name a tenant', async () => {
  for (const scopes of [['licenses:read'], ['admin', 'platform', 'licenses:read']] satisfies Scope[][]) {
    const answer = await whoami({ ...(await keyOf(scopes)), 'tallystick-tenant': tenant })
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'forbidden'])
  }
})

test('what goes says since when, until when, and what comes instead', async () => {
  const { headers } = await server.inject({ url: '/v1/open', headers: from('192.0.2.4') })
  expect(headers).toMatchObject({
    deprecation: '@1767225600',
    sunset: 'Wed, 30 Jun 2027 23:59:59 GMT',
    link: '<https://docs.example/old>; rel="deprecation"; type="text/html"',
  })
  const document = (await server.inject('/v1/openapi.json')).json()
  expect(document.paths['/v1/open'].get.deprecated).toBe(true)
  const asked = { batch: '1', input: '{}' }
  const told = async (path: string) =>
    (await server.inject({ url: `/trpc/shell/${path}`, query: asked, headers: from('192.0.2.7') })).headers
  expect(await told('open')).toMatchObject({ deprecation: '@1767225600', sunset: headers['sunset'] })
  expect(await told('who,open')).toMatchObject({ deprecation: '@1767225600' })
  expect(await told('who')).not.toHaveProperty('deprecation')
})

test('nothing ends before it is told to go', () => {
  const deprecated = { since: old.sunset, sunset: old.since }
  const wrong = api.router({
    x: api.procedure({ summary: 'x', scope: 'public', deprecated }).query(() => 'x'),
  })
  const log = createLog({ name: 'x', level: 'silent' })
  expect(() => createServer({ name: 'x', router: wrong, deps: null, log })).toThrow(
    'ends before it is deprecated',
  )
})

test('any page may read what is public, and nothing with a key', async () => {
  const origin = { origin: 'https://elsewhere.example' }
  const open = await server.inject({ url: '/v1/open', headers: from('192.0.2.5', origin) })
  expect(open.headers['access-control-allow-origin']).toBe('*')
  expect(open.headers).not.toHaveProperty('access-control-allow-credentials')
  const asked = { method: 'OPTIONS', headers: { ...origin, 'access-control-request-method': 'GET' } } as const
  const preflight = await server.inject({ ...asked, url: '/v1/open' })
  expect([preflight.statusCode, preflight.headers['access-control-allow-methods']]).toEqual([
    204,
    'GET, HEAD',
  ])
  const closed = await server.inject({ ...asked, url: '/v1/who' })
  expect([closed.statusCode, closed.headers.allow]).toEqual([204, 'GET, HEAD'])
  for (const { headers } of [closed, await whoami({ ...(await keyOf(['licenses:read'])), ...origin })]) {
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  }
})

test('every answer tells browsers not to guess, frame or leak', async () => {
  for (const url of ['/v1/open', '/v1/nope', '/livez']) {
    expect((await server.inject({ url, headers: from('192.0.2.6') })).headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    })
  }
})
