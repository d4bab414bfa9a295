import { Fault } from '@tallystick/protocol'
import { openStore } from '@tallystick/storage'
import type { Store } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  apiKeys,
  createApi,
  createLog,
  createServer,
  keyStore,
  problemDocument,
  systemEntropy,
  idempotency,
} from './index.ts'

const api = createApi<{ word: string }>()
const thing = z.strictObject({ id: z.string(), count: z.number(), tags: z.array(z.string()).default([]) })
const readThing = z.strictObject({
  id: z.string(),
  limit: z.int().max(100).default(10),
  deep: z.boolean().optional(),
  tag: z.array(z.string()).optional(),
})
const router = api.router({
  ping: api
    .procedure({ summary: 'Ping', scope: 'public', rest: { method: 'GET', path: '/v1/ping' } })
    .output(z.strictObject({ word: z.string() }))
    .query(({ ctx }) => ({ word: ctx.deps.word })),
  things: api.router({
    read: api
      .procedure({
        summary: 'Read a thing',
        scope: 'catalog:read',
        errors: ['not_found'],
        rest: { method: 'GET', path: '/v1/things/{id}' },
      })
      .input(readThing)
      .query(({ input, ctx }) => {
        if (input.id === 'none') throw new Fault('not_found', { cause: new Error('secret cause') })
        if (input.id === 'crash') throw new Error('secret detail')
        return { ...input, tenant: ctx.caller.tenant }
      }),
    put: api
      .procedure({
        summary: 'Put a thing',
        scope: 'catalog:write',
        rest: { method: 'PUT', path: '/v1/things/{id}', status: 201 },
      })
      .input(thing)
      .output(thing)
      .mutation(({ input }) => input),
    tile: api
      .procedure({
        summary: 'Some bytes',
        scope: 'public',
        rest: { method: 'GET', path: '/tile/{path+}', produces: ['application/octet-stream'] },
      })
      .input(z.strictObject({ path: z.string() }))
      .output(z.void())
      .query(({ input, ctx }) => ctx.answer.raw('application/octet-stream', Buffer.from(input.path))),
    echo: api
      .procedure({
        summary: 'Echo',
        scope: 'public',
        rest: { method: 'POST', path: '/v1/echo', produces: ['text/plain'] },
      })
      .input(z.strictObject({ text: z.string(), data: z.record(z.string(), z.json()).optional() }))
      .mutation(({ input, ctx }) => {
        if (ctx.requestHeader('accept') === 'text/plain') {
          ctx.answer.raw('text/plain; charset=utf-8', input.text)
          ctx.answer.header('cache-control', 'public, max-age=60')
        }
        return input
      }),
  }),
})

let server: FastifyInstance
let store: Store
let database: TestDatabase
let reader: Record<string, string>
let url: string
const logged: string[] = []

beforeAll(async () => {
  database = await testDatabase()
  store = await openStore(database.url, { name: 'server-test', collections: [apiKeys, idempotency] })
  const keys = keyStore(store, { ...systemEntropy(), mode: 'test' })
  const { secret } = await keys.createKey({ tenant: 'acct_a', scopes: ['catalog:read'], mode: 'test' })
  reader = { authorization: `Bearer ${secret}` }
  const log = createLog({ name: 'test', level: 'error' }, { write: (line) => void logged.push(line) })
  server = createServer({
    name: 'test',
    router,
    deps: { word: 'pong' },
    log,
    keys,
    store,
  })
  url = await server.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await server.close()
  await store.close()
  await database.drop()
})

test('a public procedure answers without a key, with its request id and the time', async () => {
  const answer = await fetch(`${url}/v1/ping`)
  expect(await answer.json()).toEqual({ word: 'pong' })
  expect(answer.headers.get('request-id')).toMatch(/^req_[0-9a-z]{26}$/)
  expect(Date.parse(answer.headers.get('date') ?? '')).toBeGreaterThan(0)
})

test('path and query text takes the types of the schema', async () => {
  const answer = await server.inject({ url: '/v1/things/7?limit=5&deep=false&tag=a&tag=b', headers: reader })
  expect(answer.json()).toEqual({ id: '7', limit: 5, deep: false, tag: ['a', 'b'], tenant: 'acct_a' })
})

test('a body is never coerced', async () => {
  const answer = await server.inject({ method: 'POST', url: '/v1/echo', payload: { text: 1 } })
  expect(answer.json().errors[0].pointer).toBe('/text')
})

test('a procedure may answer other content over REST', async () => {
  const headers = { accept: 'text/plain', 'content-type': 'application/json' }
  const answer = await server.inject({
    method: 'POST',
    url: '/v1/echo',
    payload: '{"text":"plain"}',
    headers,
  })
  expect(answer.body).toBe('plain')
  expect(answer.headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'public, max-age=60',
  })
})

test('bytes are answered as they are, and the end of a path may have slashes', async () => {
  expect((await server.inject('/tile/0/x001/002')).rawPayload).toEqual(Buffer.from('0/x001/002'))
  expect((await server.inject({ method: 'DELETE', url: '/tile/0/1' })).json().code).toBe('method_not_allowed')
  const { paths } = (await server.inject('/v1/openapi.json')).json()
  expect(paths['/tile/{path}'].get.responses[200].content).toHaveProperty(['application/octet-stream'])
})

const json = { 'content-type': 'application/json' }
const echo = (payload: string | Buffer, headers: Record<string, string> = json): InjectOptions => ({
  method: 'POST',
  url: '/v1/echo',
  payload,
  headers,
})
type Case = [
  why: string,
  request: (key: Record<string, string>) => InjectOptions,
  status: number,
  code: string,
  pointers?: string[],
]

const refusals: Case[] = [
  ['a missing key', () => ({ url: '/v1/things/1' }), 401, 'unauthorized'],
  [
    'another scheme',
    () => ({ url: '/v1/things/1', headers: { authorization: 'Basic eDp5' } }),
    401,
    'unauthorized',
  ],
  [
    'an invented key',
    () => ({ url: '/v1/things/1', headers: { authorization: 'Bearer sk_test_x' } }),
    401,
    'unauthorized',
  ],
  [
    'a missing scope',
    (key) => ({ method: 'PUT', url: '/v1/things/1', payload: { count: 1 }, headers: key }),
    403,
    'forbidden',
  ],
  ['a missing object', (key) => ({ url: '/v1/things/none', headers: key }), 404, 'not_found'],
  ['an unknown route', () => ({ url: '/v1/nope' }), 404, 'route_not_found'],
  [
    'an unknown parameter',
    (key) => ({ url: '/v1/things/1?limt=5', headers: key }),
    400,
    'validation_failed',
    ['/limt'],
  ],
  [
    'a parameter out of range',
    (key) => ({ url: '/v1/things/1?limit=101', headers: key }),
    400,
    'validation_failed',
    ['/limit'],
  ],
  [
    'a number in another notation',
    (key) => ({ url: '/v1/things/1?limit=0x10', headers: key }),
    400,
    'validation_failed',
    ['/limit'],
  ],
  [
    'a parameter twice',
    (key) => ({ url: '/v1/things/1?limit=1&limit=2', headers: key }),
    400,
    'validation_failed',
    ['/limit'],
  ],
  [
    'the path parameter in the query',
    (key) => ({ url: '/v1/things/1?id=2', headers: key }),
    400,
    'validation_failed',
    ['/id'],
  ],
  [
    '__proto__ in the query',
    (key) => ({ url: '/v1/things/1?__proto__=2', headers: key }),
    400,
    'validation_failed',
    ['/__proto__'],
  ],
  ['a query where none is taken', () => ({ url: '/v1/ping?x=1' }), 400, 'validation_failed', ['/x']],
  [
    'a query beside a body',
    () => ({ ...echo('{"text":"a"}'), url: '/v1/echo?text=b' }),
    400,
    'validation_failed',
    ['/text'],
  ],
  [
    'unknown fields, with ~ and / escaped',
    () => echo('{"text":"a","b/c~d":1}'),
    400,
    'validation_failed',
    ['/b~1c~0d'],
  ],
  ['a body that is no object', () => echo('[]'), 400, 'validation_failed', ['']],
  ['a missing body', () => ({ method: 'POST', url: '/v1/echo' }), 400, 'validation_failed', ['/text']],
  ['an empty body', () => echo('', json), 400, 'invalid_json'],
  ['broken JSON', () => echo('{"text":"a"'), 400, 'invalid_json'],
  ['duplicate members', () => echo('{"text":"a","text":"b"}'), 400, 'invalid_json'],
  [
    'duplicate members behind escapes',
    () => echo(String.raw`{"text":"a","te\u0078t":"b"}`),
    400,
    'invalid_json',
  ],
  ['__proto__ as a member', () => echo('{"text":"a","data":{"__proto__":{}}}'), 400, 'invalid_json'],
  [
    '__proto__ behind escapes',
    () => echo(String.raw`{"text":"a","data":{"\u005f_proto__":{}}}`),
    400,
    'invalid_json',
  ],
  ['a lone surrogate', () => echo(String.raw`{"text":"\ud800"}`), 400, 'invalid_json'],
  [
    'bytes that are not UTF-8',
    () => echo(Buffer.from('7b2274657874223a22ff227d', 'hex')),
    400,
    'invalid_json',
  ],
  [
    'deep nesting',
    () => echo(`{"text":"a","data":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`),
    400,
    'invalid_json',
  ],
  ['a broken URL', () => ({ url: '/v1/%zz' }), 400, 'bad_request'],
  [
    'another content type',
    () => echo('text=a', { 'content-type': 'text/plain' }),
    415,
    'unsupported_media_type',
  ],
  ['a large body', () => echo(`{"text":"${'x'.repeat(1024 * 1024)}"}`), 413, 'payload_too_large'],
  ['another method', () => ({ method: 'DELETE', url: '/v1/echo' }), 405, 'method_not_allowed'],
  ['an unforeseen error', (key) => ({ url: '/v1/things/crash', headers: key }), 500, 'internal'],
]

test.each(refusals)('refuses %s with a problem document', async (_why, request, status, code, pointers) => {
  const answer = await server.inject(request(reader))
  const problem = problemDocument.parse(answer.json())
  expect(answer.statusCode).toBe(status)
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(problem).toMatchObject({ status, code, type: `${url}/errors#${code}` })
  expect(problem.request_id).toBe(answer.headers['request-id'])
  if (pointers) expect(problem.errors?.map((error) => error.pointer)).toEqual(pointers)
  expect(answer.body).not.toMatch(/secret|\bat .*\.ts/)
})

test('a method that is not there names those that are; a missing key names the scheme', async () => {
  expect((await server.inject({ method: 'PUT', url: '/v1/echo' })).headers.allow).toBe('POST')
  expect((await server.inject('/v1/things/1')).headers['www-authenticate']).toBe('Bearer')
})

test('an unforeseen error is logged with its cause and the request id', async () => {
  const answer = await server.inject({ url: '/v1/things/crash', headers: reader })
  const line = logged.find((text) => text.includes(answer.json().request_id))
  expect(line).toContain('secret detail')
})

describe('over tRPC', () => {
  const query = (path: string, inputs: object, headers: Record<string, string> = {}) =>
    server.inject({
      url: `/trpc/test/${path}`,
      query: { batch: '1', input: JSON.stringify(inputs) },
      headers,
    })

  test('the same procedures answer, several in one request', async () => {
    const answer = await query('things.read,ping', { 0: { id: 'a' } }, reader)
    expect(answer.json()).toEqual([
      { result: { data: { id: 'a', limit: 10, tenant: 'acct_a' } } },
      { result: { data: { word: 'pong' } } },
    ])
  })

  test.each([
    ['a refusal', 'things.read', { id: 'none' }, true, 404, 'not_found'],
    ['bad input', 'things.read', { id: 'a', limt: 1 }, true, 400, 'validation_failed'],
    ['a missing key', 'things.read', { id: 'a' }, false, 401, 'unauthorized'],
    ['an unknown path', 'things.nope', {}, true, 404, 'route_not_found'],
    ['an unforeseen error', 'things.read', { id: 'crash' }, true, 500, 'internal'],
  ])('%s carries the problem document', async (_what, path, input, withKey, httpStatus, code) => {
    const answer = await query(path, { 0: input }, withKey ? reader : {})
    expect(answer.json()[0].error.data).toMatchObject({ httpStatus, problem: { code, status: httpStatus } })
    expect(answer.body).not.toMatch(/secret|\bat .*\.ts/)
  })

  test('scopes hold', async () => {
    const headers = { ...json, ...reader }
    const payload = { id: 'a', count: 1 }
    const answer = await server.inject({ method: 'POST', url: '/trpc/test/things.put', payload, headers })
    expect(answer.json().error.data.problem.code).toBe('forbidden')
  })

  test('bodies are held to the same rules', async () => {
    const payload = '{"text":"a","data":{"__proto__":{}}}'
    const answer = await server.inject({
      method: 'POST',
      url: '/trpc/test/things.echo',
      payload,
      headers: json,
    })
    expect(answer.json()).toMatchObject({ code: 'invalid_json' })
  })
})

test('the OpenAPI document has every route, parameter and refusal', async () => {
  const document = (await server.inject('/v1/openapi.json')).json()
  expect(Object.keys(document.paths)).toEqual(['/v1/ping', '/v1/things/{id}', '/tile/{path}', '/v1/echo'])
  const read = document.paths['/v1/things/{id}'].get
  expect(
    read.parameters.map((parameter: { name: string; in: string }) => [parameter.name, parameter.in]),
  ).toEqual([
    ['id', 'path'],
    ['limit', 'query'],
    ['deep', 'query'],
    ['tag', 'query'],
  ])
  expect(Object.keys(read.responses)).toEqual(['200', '400', '401', '403', '404', '429', '500', '503'])
  const body = document.paths['/v1/things/{id}'].put.requestBody.content['application/json'].schema
  expect(Object.keys(body.properties)).toEqual(['count', 'tags'])
  expect(body.required).toEqual(['count'])
  expect(document.components.schemas.Problem.properties.request_id).toEqual({ type: 'string' })
})

test('the reference page comes with its script, and asks for nothing from outside', async () => {
  const page = (await server.inject('/docs/')).body
  expect(page).toContain('/v1/openapi.json')
  expect(page).not.toMatch(/https?:\/\//)
  const redirect = await server.inject('/docs')
  expect([redirect.statusCode, redirect.headers.location]).toEqual([301, '/docs/'])
  const script = await server.inject(`/docs/${/<script src="([^"]+)"/.exec(page)?.[1]}`)
  expect(script.headers['content-type']).toBe('application/javascript; charset=utf-8')
  expect(script.body).toContain('createApiReference')
})

test('health and metrics are open', async () => {
  expect((await server.inject('/livez')).json()).toEqual({ status: 'ok' })
  expect((await server.inject('/readyz')).json()).toEqual({ status: 'ok', checks: { store: 'ok' } })
  expect((await server.inject('/metrics')).body).toContain('route="/v1/things/:id"')
  expect((await server.inject('/errors')).body).toContain('id="validation_failed"')
})

test('a failing check makes the service not ready, without telling why', async () => {
  const log = createLog({ name: 'test', level: 'silent' })
  const checks = { chain: () => Promise.reject(new Error('secret host')) }
  const other = createServer({ name: 'x', router: api.router({}), deps: { word: '' }, log, checks })
  const answer = await other.inject('/readyz')
  expect([answer.statusCode, answer.json()]).toEqual([
    503,
    { status: 'not ready', checks: { chain: 'failed' } },
  ])
  await other.close()
})

test('a router that would take unknown fields, or needs keys that are not there, does not start', () => {
  const log = createLog({ name: 'test', level: 'silent' })
  const rest = { method: 'POST', path: '/v1/x' } as const
  const loose = api.router({
    x: api
      .procedure({ summary: 'x', scope: 'public', rest })
      .input(z.strictObject({ list: z.array(z.object({ a: z.string() })) }))
      .mutation(() => null),
  })
  expect(() => createServer({ name: 'x', router: loose, deps: { word: '' }, log })).toThrow(
    /unknown fields at \/list\/0/,
  )
  expect(() => createServer({ name: 'x', router, deps: { word: '' }, log })).toThrow(/needs? a key/)
})

test('a stop answers the requests that already run', async () => {
  const log = createLog({ name: 'test', level: 'silent' })
  const running = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const slow = createApi<null>()
  const slowRouter = slow.router({
    wait: slow
      .procedure({ summary: 'Wait', scope: 'public', rest: { method: 'GET', path: '/v1/wait' } })
      .query(async () => {
        running.resolve()
        await release.promise
        return 'done'
      }),
  })
  const other = createServer({ name: 'x', router: slowRouter, deps: null, log })
  const address = await other.listen({ port: 0, host: '127.0.0.1' })
  const answer = fetch(`${address}/v1/wait`)
  await running.promise
  const closed = other.close()
  release.resolve()
  expect(await (await answer).json()).toBe('done')
  await closed
  await expect(fetch(`${address}/livez`)).rejects.toThrow()
})
