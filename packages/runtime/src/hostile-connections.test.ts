import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createApi } from './api.ts'
import type { Caller } from './api.ts'
import { createServer } from './create-server.ts'
import { createLog } from './log.ts'
import { problemDocument } from './problem.ts'

const api = createApi<null>()
let changes = 0
const router = api.router({
  change: api
    .procedure({
      summary: 'Change',
      scope: 'catalog:write',
      rest: { method: 'POST', path: '/v1/things/{id}' },
    })
    .input(
      z.strictObject({
        id: z.string(),
        n: z.int().optional(),
        metadata: z.record(z.string(), z.json()).optional(),
      }),
    )
    .mutation(({ input }) => {
      changes++
      return input
    }),
  read: api
    .procedure({ summary: 'Read', scope: 'catalog:read', rest: { method: 'GET', path: '/v1/things/{id}' } })
    .input(z.strictObject({ id: z.string().min(1), q: z.string().optional(), limit: z.int().optional() }))
    .query(({ input }) => input),
  upload: api
    .procedure({
      summary: 'Upload',
      scope: 'catalog:write',
      rest: {
        method: 'POST',
        path: '/v1/files',
        takes: { types: { 'text/plain': { description: 'x', example: 'x' } } },
      },
    })
    .mutation(async ({ ctx }) => {
      for await (const _ of ctx.upload().bytes);
      changes++
      return 'done'
    }),
})
const caller: Caller = {
  tenant: 'acct_a',
  account: 'acct_a',
  role: 'operator',
  keyId: 'key_a',
  scopes: ['catalog:read', 'catalog:write'],
  livemode: false,
  plan: 'unlimited',
}

let server: FastifyInstance
const logged: string[] = []
beforeAll(async () => {
  server = createServer({
    name: 'hostile',
    router,
    deps: null,
    log: createLog({ name: 'hostile', level: 'warn' }, { write: (line) => void logged.push(line) }),
    keys: { authenticate: async (secret) => (secret === 'good' ? caller : undefined) },
    bodyDeadline: { deadlineMs: 200, sweepMs: 20 },
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())

interface RawAnswer {
  status: number
  code: string | undefined
  pointers: string[]
  allow: string | undefined
}

/** Sends bytes as they are and reads `count` answers, or those that come before the connection is closed. */
async function answersTo(bytes: string, count = 1): Promise<{ answers: RawAnswer[]; closed: boolean }> {
  const { port } = server.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  const ended = once(socket, 'close').then(() => true)
  let received = ''
  const { promise: enough, resolve } = Promise.withResolvers<false>()
  socket.on('data', (piece) => {
    received += piece.toString('latin1')
    if (readAnswers(received, bytes.startsWith('HEAD')).length >= count) resolve(false)
  })
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  const closed = await Promise.race([enough, ended])
  // An answer too many would be taken for the answer to the next request.
  const answers = readAnswers(received, bytes.startsWith('HEAD'))
  socket.destroy()
  return { answers, closed }
}

/** The answers in a text; those to HEAD tell the length of what they leave out. */
function readAnswers(text: string, bodiless: boolean): RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let rest = text; ;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return answers
    const head = rest.slice(0, end)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    const length = bodiless ? 0 : Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
    const body = rest.slice(end + 4, end + 4 + length)
    if (body.length < length) return answers
    rest = rest.slice(end + 4 + length)
    const problem =
      !bodiless && /problem\+json/.test(head) ? problemDocument.parse(JSON.parse(body)) : undefined
    if (problem) expect(problem.status).toBe(status)
    answers.push({
      status,
      code: problem?.code,
      pointers: (problem?.errors ?? []).map(({ pointer }) => pointer),
      allow: /^allow: (.*)$/im.exec(head)?.[1],
    })
  }
}

const key = 'Authorization: Bearer good\r\n'
const head = `Host: x\r\n${key}`
const json = `${head}Content-Type: application/json\r\n`
const chunked = `${json}Transfer-Encoding: chunked\r\n`
const to = (target: string, headers = head) => `GET ${target} HTTP/1.1\r\n${headers}\r\n`
const change = (body: string, more = '', headers = json) =>
  `POST /v1/things/a HTTP/1.1\r\n${headers}${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const sized = (length: string, body = '{}') =>
  `POST /v1/things/a HTTP/1.1\r\n${json}Content-Length: ${length}\r\n\r\n${body}`
const inChunks = (body: string, headers = chunked) => `POST /v1/things/a HTTP/1.1\r\n${headers}\r\n${body}`

test.each<[why: string, bytes: string, status: number, code: string]>([
  ['what is no HTTP', 'hello\r\n\r\n', 400, 'bad_request'],
  ['a TLS greeting', '\x16\x03\x01\x00\xc8\x01\x00', 400, 'bad_request'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad_request'],
  ['another version', `GET / HTTP/3.0\r\n${head}\r\n`, 400, 'bad_request'],
  ['bare line feeds', 'GET /v1/things/a HTTP/1.1\nHost: x\n\n', 400, 'bad_request'],
  ['no host', to('/v1/things/a', key), 400, 'bad_request'],
  ['two hosts', to('/v1/things/a', `${head}host: y\r\n`), 400, 'bad_request'],
  ['two keys', to('/v1/things/a', `${head}authorization: Bearer bad\r\n`), 400, 'bad_request'],
  ['two content types', change('{}', 'Content-Type: text/plain\r\n'), 400, 'bad_request'],
  ['two idempotency keys', change('{}', 'Idempotency-Key: a\r\nidempotency-key: b\r\n'), 400, 'bad_request'],
  ['NUL in a header', to('/v1/things/a', `${head}X: a\0b\r\n`), 400, 'bad_request'],
  ['a folded header', to('/v1/things/a', `${head}X: a\r\n b\r\n`), 400, 'bad_request'],
  ['a blank before a colon', to('/v1/things/a', `${head}X : a\r\n`), 400, 'bad_request'],
  ['a header of 20 KB', to('/v1/things/a', `${head}X: ${'a'.repeat(20_000)}\r\n`), 431, 'headers_too_large'],
  ['3,000 headers', to('/v1/things/a', head + 'a: b\r\n'.repeat(3000)), 431, 'headers_too_large'],
  ['a URL of 20 KB', to(`/v1/things/${'a'.repeat(20_000)}`), 431, 'headers_too_large'],
  ['an id of 2 KB', to(`/v1/things/${'a'.repeat(2000)}`), 400, 'bad_request'],
  ['two lengths', sized('2\r\nContent-Length: 3'), 400, 'bad_request'],
  ['a negative length', sized('-2'), 400, 'bad_request'],
  ['a hexadecimal length', sized('0x2'), 400, 'bad_request'],
  ['a length beyond numbers', sized('9'.repeat(30)), 400, 'bad_request'],
  ['a length beyond what is taken', sized('999999999'), 413, 'payload_too_large'],
  ['a length that is too short', sized('1'), 400, 'invalid_json'],
  ['a length that is too long', sized('10'), 408, 'request_timeout'],
  ['a body without a length', `POST /v1/things/a HTTP/1.1\r\n${json}\r\n{}`, 400, 'invalid_json'],
  [
    'a length and chunks',
    sized('2\r\nTransfer-Encoding: chunked', '2\r\n{}\r\n0\r\n\r\n'),
    400,
    'bad_request',
  ],
  [
    'an unknown coding',
    inChunks('2\r\n{}\r\n0\r\n\r\n', chunked.replace('chunked', 'gzip, chunked')),
    400,
    'bad_request',
  ],
  ['a coding without an end', inChunks('{}', chunked.replace('chunked', 'identity')), 400, 'bad_request'],
  ['a chunk without a size', inChunks('zz\r\n{}\r\n0\r\n\r\n'), 400, 'bad_request'],
  [
    'a huge chunk extension',
    inChunks(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
    413,
    'payload_too_large',
  ],
  ['chunks that never end', inChunks('2\r\n{}\r\n'), 408, 'request_timeout'],
  ['a compressed body', change('{}', 'Content-Encoding: gzip\r\n'), 415, 'unsupported_media_type'],
  [
    'a body in UTF-16',
    change('{}', '', json.replace('json', 'json; charset=utf-16')),
    415,
    'unsupported_media_type',
  ],
  ['a body of GET', `GET /v1/things/a HTTP/1.1\r\n${json}Content-Length: 2\r\n\r\n{}`, 400, 'bad_request'],
  [
    'half a body of GET',
    `GET /v1/things/a HTTP/1.1\r\n${json}Content-Length: 9\r\n\r\n{}`,
    400,
    'bad_request',
  ],
  [
    'an upload that stops',
    `POST /v1/files HTTP/1.1\r\n${head}Content-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc`,
    408,
    'request_timeout',
  ],
  ['TRACE', `TRACE /v1/things/a HTTP/1.1\r\n${head}\r\n`, 405, 'method_not_allowed'],
  ['PROPFIND', `PROPFIND /v1/things/a HTTP/1.1\r\n${head}\r\n`, 405, 'method_not_allowed'],
  ['CONNECT', `CONNECT x:443 HTTP/1.1\r\n${head}\r\n`, 405, 'method_not_allowed'],
  [
    '100,000 levels',
    change(`{"metadata":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    400,
    'invalid_json',
  ],
  ['a member twice', change('{"n":1,"n":2}'), 400, 'invalid_json'],
  ['a member twice, hidden', change(String.raw`{"n":1,"\u006e":2}`), 400, 'invalid_json'],
  ['2^53 + 1', change('{"n":9007199254740993}'), 400, 'invalid_json'],
  ['2^53', change('{"n":9007199254740992}'), 400, 'validation_failed'],
  ['__proto__ in metadata', change('{"metadata":{"__proto__":{"n":1}}}'), 400, 'invalid_json'],
  ['__proto__ in the query', to('/v1/things/a?__proto__=1'), 400, 'validation_failed'],
  ['__proto__ as an object', to('/v1/things/a?__proto__[n]=1'), 400, 'validation_failed'],
  ['constructor in the query', to('/v1/things/a?constructor=1'), 400, 'validation_failed'],
  ['2^53 in the query', to('/v1/things/a?limit=9007199254740992'), 400, 'validation_failed'],
  ['a parameter twice', to('/v1/things/a?q=a&q=b'), 400, 'validation_failed'],
  ['a fragment', to('/v1/things/a#z'), 400, 'validation_failed'],
  ['a byte that UTF-8 never has', to('/v1/things/a?q=%ff'), 400, 'bad_request'],
  ['an overlong NUL', to('/v1/things/a?q=%c0%80'), 400, 'bad_request'],
  ['a surrogate', to('/v1/things/a?q=%ed%a0%80'), 400, 'bad_request'],
  ['a percent sign alone', to('/v1/things/a?q=%'), 400, 'bad_request'],
  ['a raw byte above ASCII', to('/v1/things/a?q=\xff'), 400, 'bad_request'],
  ['bad UTF-8 in the path', to('/v1/things/%c0%af'), 400, 'bad_request'],
  ['no id', to('/v1/things/'), 400, 'validation_failed'],
  ['dots in the path', to('/v1/x/../things/a'), 404, 'route_not_found'],
  ['encoded dots', to('/v1/%2e%2e/v1/things/a'), 404, 'route_not_found'],
  ['encoded slashes', to('/v1%2fthings%2fa'), 404, 'route_not_found'],
  ['doubled slashes', to('//v1/things/a'), 404, 'route_not_found'],
  ['another case', to('/V1/things/a'), 404, 'route_not_found'],
  ['a slash at the end', to('/v1/things/a/'), 404, 'route_not_found'],
])('%s is refused and changes nothing', async (_why, bytes, status, code) => {
  const before = changes
  const { answers } = await answersTo(bytes)
  expect(answers.map((one) => [one.status, one.code])).toEqual([[status, code]])
  expect(changes).toBe(before)
})

test('requests in one packet are answered in order; what follows them and is none, after them', async () => {
  const before = changes
  const { answers } = await answersTo(
    change('{}') + to('/v1/none') + change('{"n":"1"}') + to('/v1/things/b'),
    4,
  )
  expect(answers.map(({ status }) => status)).toEqual([200, 404, 400, 200])
  for (const bad of ['rubbish\r\n\r\n', inChunks('zz'), sized('5'), sized('1\r\nContent-Length: 2')]) {
    const { answers: both, closed } = await answersTo(change('{}') + bad, 3)
    expect([both.map(({ status }) => status), closed]).toEqual([[200, bad === sized('5') ? 408 : 400], true])
  }
  expect(changes - before).toBe(5)
})

test('HEAD answers as GET does, and OPTIONS tells the methods, without a key and without doing anything', async () => {
  const before = changes
  const ask = async (method: string, headers = head) =>
    (await answersTo(`${method} /v1/things/a HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`, 2)).answers
  expect(await ask('HEAD')).toMatchObject([{ status: 200 }])
  expect(await ask('HEAD', 'Host: x\r\n')).toMatchObject([{ status: 401 }])
  expect(await ask('OPTIONS', 'Host: x\r\n')).toMatchObject([{ status: 204, allow: 'GET, HEAD, POST' }])
  expect(await ask('DELETE')).toMatchObject([{ status: 405, allow: 'GET, HEAD, POST' }])
  expect(changes).toBe(before)
})

test('headers have a minute to arrive, and answers three to be taken', () => {
  expect([server.server.headersTimeout, server.server.timeout]).toEqual([60_000, 180_000])
})

test('nothing of it is a failure of the server', () => {
  expect(logged).toEqual([])
})
