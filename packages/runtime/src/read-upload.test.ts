import { request as send } from 'node:http'
import type { ClientRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Caller } from './api.ts'
import { createApi } from './api.ts'
import { createLog } from './log.ts'
import { createServer } from './create-server.ts'
import { problemOf, sendHttp } from './test-http.ts'

const api = createApi<null>()
const types = {
  'text/plain': { description: 'Some text.', example: 'a text' },
  'text/csv': { description: 'Some lines.', example: 'a,b' },
}
const answer = z.strictObject({ name: z.string(), type: z.string(), size: z.int() })
const upload = (path: `/${string}`, maxBytes?: number) =>
  api
    .procedure({
      summary: 'Count bytes',
      scope: 'catalog:write',
      rest: { method: 'POST', path, takes: { types, ...(maxBytes !== undefined && { maxBytes }) } },
    })
    .input(z.strictObject({ name: z.string() }))
    .output(answer)
    .mutation(async ({ ctx, input: { name } }) => {
      const { mediaType: type, bytes } = ctx.upload()
      let size = 0
      for await (const piece of bytes) {
        size += piece.length
        if (name === 'early') break
      }
      return { name, type, size }
    })
const router = api.router({ any: upload('/v1/any/{name}'), small: upload('/v1/small/{name}', 1000) })

const caller: Caller = {
  tenant: 'acct_a',
  account: 'acct_a',
  role: 'operator',
  keyId: 'key_a',
  scopes: ['catalog:write'],
  livemode: false,
  plan: 'unlimited',
}
const callers = new Map<string, Caller>([
  ['writer', caller],
  ['reader', { ...caller, keyId: 'key_b', scopes: ['catalog:read'] }],
  ['limited', { ...caller, keyId: 'key_c', plan: 'once' }],
])

let server: FastifyInstance
let url: string
const logged: string[] = []
beforeAll(async () => {
  server = createServer({
    name: 'uploads',
    router,
    deps: null,
    log: createLog({ name: 'uploads', level: 'error' }, { write: (line) => void logged.push(line) }),
    keys: { authenticate: async (secret) => callers.get(secret) },
    ratePlans: { once: { requests: 1, windowSeconds: 86_400, burst: 1 } },
    bodyLimit: 100,
  })
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())

const post = (path: string, body: unknown = 'abc', type = 'text/plain', key = 'writer', more = {}) =>
  sendHttp('POST', `${url}${path}`, { key, body, headers: { 'content-type': type, ...more } })

test('bytes of any length come as they are sent, with their media type', async () => {
  const megabyte = 'x'.repeat(1024 * 1024)
  expect((await post('/v1/any/a', megabyte, 'Text/CSV; charset=utf-8')).json).toEqual({
    name: 'a',
    type: 'text/csv',
    size: 1024 * 1024,
  })
  expect((await post('/v1/any/b', '')).json).toEqual({ name: 'b', type: 'text/plain', size: 0 })
  expect((await post('/v1/small/c', 'x'.repeat(1000))).json).toMatchObject({ size: 1000 })
})

test('what the route does not take is refused before it is read', async () => {
  const code = async (...sent: Parameters<typeof post>) => problemOf(await post(...sent)).code
  expect(await code('/v1/any/a', '{}', 'application/json')).toBe('unsupported_media_type')
  expect(await code('/v1/any/a', 'x', '')).toBe('unsupported_media_type')
  expect(await code('/v1/any/a', 'x', 'text/plain', 'writer', { 'content-encoding': 'gzip' })).toBe(
    'unsupported_media_type',
  )
  expect(await code('/v1/any/a', 'x', 'text/plain', 'nobody')).toBe('unauthorized')
  expect(await code('/v1/any/a', 'x', 'text/plain', 'reader')).toBe('forbidden')
  expect(await code('/v1/any/a?x=1')).toBe('validation_failed')
  expect(await code('/v1/small/a', 'x'.repeat(1001))).toBe('payload_too_large')
})

test('a length that was not told is held to the limit too', async () => {
  const endless = new ReadableStream<Uint8Array>({ pull: (to) => to.enqueue(new Uint8Array(600)) })
  const body = endless.pipeThrough(limitedTo(3))
  expect(problemOf(await post('/v1/small/a', body)).code).toBe('payload_too_large')
})

function limitedTo(pieces: number): TransformStream<Uint8Array, Uint8Array> {
  let passed = 0
  return new TransformStream({
    transform: (piece, to) => (++passed > pieces ? to.terminate() : to.enqueue(piece)),
  })
}

test('an answer that comes early reaches the sender, whatever it still sends', async () => {
  const answered = await post('/v1/any/early', 'x'.repeat(8 * 1024 * 1024))
  expect(answered.status).toBe(200)
  expect((await post('/v1/any/a')).status).toBe(200)
})

test('uploads count against the limits of their key', async () => {
  const answers = [
    await post('/v1/any/a', 'x', 'text/plain', 'limited'),
    await post('/v1/any/a', 'x', 'text/plain', 'limited'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 429])
})

test('a sender that goes away is no failure of the server', async () => {
  const sent: ClientRequest = send(`${url}/v1/any/a`, {
    method: 'POST',
    headers: { authorization: 'Bearer writer', 'content-type': 'text/plain', 'content-length': 10_000 },
  })
  const failed = new Promise((resolve) => sent.once('error', resolve))
  await new Promise((resolve) => sent.write('abc', resolve))
  sent.destroy(new Error('gone'))
  await failed
  expect((await post('/v1/any/a')).status).toBe(200)
  expect(logged).toEqual([])
})

test('over tRPC there are no bytes', async () => {
  const answered = await sendHttp('POST', `${url}/trpc/uploads/any`, { key: 'writer', body: { name: 'a' } })
  expect([answered.status, answered.text]).toEqual([400, expect.stringContaining('send it over REST')])
})

test('the API document tells types, lengths and refusals, and an example of each type', async () => {
  const { paths } = (await server.inject('/v1/openapi.json')).json()
  const { requestBody, responses } = paths['/v1/small/{name}'].post
  expect(requestBody.content['text/csv']).toEqual({
    schema: { type: 'string', maxLength: 1000 },
    example: 'a,b',
  })
  expect(requestBody.description).toContain('At most 1000 bytes')
  const codes = (all: typeof responses) =>
    Object.values<{ 'x-codes'?: string[] }>(all).flatMap((one) => one['x-codes'] ?? [])
  expect(codes(responses)).toEqual(
    expect.arrayContaining(['payload_too_large', 'request_timeout', 'rate_limited']),
  )
  expect(codes(responses)).not.toContain('invalid_json')
  expect(codes(paths['/v1/any/{name}'].post.responses)).not.toContain('payload_too_large')
})
