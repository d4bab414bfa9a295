import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { selfApiKey } from '@tallystick/protocol'
import { formatSecret } from '@tallystick/runtime'
import { problemOf, readAnswer, sendHttp, until } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startStandalone } from './start-standalone.ts'
import type { Standalone } from './start-standalone.ts'

const folder = mkdtempSync(join(tmpdir(), 'tallystick-standalone-'))
const options = { port: 0, dataDirectory: folder, logLevel: 'fatal' }
let server: Standalone
beforeAll(async () => void (server = await startStandalone(options)))
afterAll(async () => {
  await server.lifecycle.stop('the test is over')
  rmSync(folder, { recursive: true, force: true })
})

const get = (path: string, key?: string) => sendHttp('GET', server.url + path, { key })
const self = async (key = '', path = '/v1/api-keys/self') => readAnswer(selfApiKey, await get(path, key))

test('a key reaches its own mode and is unknown in the other', async () => {
  const { test: testOperator = '', live = '' } = server.operatorKeys
  expect(await self(testOperator)).toMatchObject({ livemode: false, role: 'operator' })
  expect(await self(live)).toMatchObject({ livemode: true, role: 'operator' })
  expect(await self(live, '/live/v1/api-keys/self')).toMatchObject({ livemode: true })
  expect((await get('/live/v1/api-keys/self', testOperator)).status).toBe(401)
  expect((await self(live)).tenant).not.toBe((await self(testOperator)).tenant)
})

test('test and live have logs of their own', async () => {
  const origins = [await get('/log/checkpoint'), await get('/live/log/checkpoint')].map(
    ({ text }) => text.split('\n', 1)[0],
  )
  expect(origins).toEqual([server.origin, `${server.origin}/live`])
})

test('one document tells the API of all services, and every path in it is answered by one of them', async () => {
  const { paths } = (await get('/v1/openapi.json')).json as { paths: Record<string, object> }
  for (const path of ['/v1/accounts', '/v1/licenses', '/v1/audit']) expect(paths).toHaveProperty([path])
  for (const [path, item] of Object.entries(paths)) {
    // What others' standards name has no version of ours.
    expect(path).toMatch(/^\/(v1\/|log\/|\.well-known\/jwks\.json$)/)
    const concrete = path.replaceAll(/\{\w+\}/g, 'x')
    const answers = await Promise.all(
      Object.keys(item).map((method) => sendHttp(method.toUpperCase(), server.url + concrete)),
    )
    for (const { status, json } of answers) {
      const code = typeof json === 'object' && json !== null && 'code' in json ? json.code : undefined
      expect([path, status, code]).not.toEqual([path, 404, 'route_not_found'])
      expect([path, status]).not.toEqual([path, 405])
    }
  }
  expect((await get('/docs/')).text).toContain('Tallystick')
  expect((await get('/')).text).toBe((await get('/docs/')).text)
  expect(problemOf(await get('/v1/nothing')).code).toBe('route_not_found')
})

test('what is no request is refused with a problem document here too', async () => {
  const ask = async (bytes: string) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write(bytes)
    return text(socket)
  }
  const close = 'Connection: close\r\n\r\n'
  const answers = [
    await ask('hello\r\n\r\n'),
    await ask(`GET /v1/keys HTTP/1.1\r\n${close}`),
    await ask(`GET /v1/keys HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n${close}`),
    await ask(`CONNECT x:443 HTTP/1.1\r\nHost: x\r\n${close}`),
    await ask(`GET /v1/keys HTTP/1.1\r\nHost: x\r\n${close}`),
  ]
  const told = answers.map((answer) => [Number(answer.split(' ')[1]), /"code":"(\w+)"/.exec(answer)?.[1]])
  expect(told).toEqual([
    [400, 'bad_request'],
    [400, 'bad_request'],
    [431, 'headers_too_large'],
    [405, 'method_not_allowed'],
    [200, undefined],
  ])
})

test('a change in identity gets a receipt from audit', async () => {
  const found = await until(async () => {
    const { json } = await get('/v1/audit?limit=100', server.testKey)
    const { data } = json as { data: { kind: string }[] }
    return data.some(({ kind }) => kind === 'tenant.created') ? data : undefined
  })
  expect(found.map(({ kind }) => kind)).toContain('api_key.created')
})

test('a license at a price per token, its usage reported, is an invoice over it, and no more once it is revoked', async () => {
  const key = server.operatorKeys.test ?? ''
  const post = async (path: string, body: object = {}, status?: number) => {
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const answer = await sendHttp('POST', server.url + path, { key, body, headers })
    return readAnswer(z.looseObject({ id: z.string().default('') }), answer, status)
  }
  const customer = await post('/v1/customers', { reference: 'dev_9' }, 201)
  const pricing = { model: 'usage', metric: 'tokens', unit_price: '0.001' }
  const agreed = { creator_id: 'cr_9', buyer_id: 'dev_9', items: ['dataset_9'], pricing }
  const license = (await post('/v1/licenses', agreed, 201)).id
  const items = [{ license }]
  const early = { customer: customer.id, items }
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const refused = await sendHttp('POST', `${server.url}/v1/subscriptions`, { key, body: early, headers })
  expect(problemOf(refused).errors?.[0]?.message).toContain('is offered')
  await post(`/v1/licenses/${license}/accept`)
  const { id } = await post('/v1/subscriptions', early, 201)
  const used = {
    customer: 'dev_9',
    metric: 'tokens',
    quantity: '65000',
    purpose: 'train',
    licenses: [license],
  }
  await post('/v1/usage-reports', { ...used, event_id: 'one' }, 201)
  await post(`/v1/licenses/${license}/revoke`, { reason: 'consent was withdrawn' })
  await post(`/v1/subscriptions/${id}/cancel`, { when: 'now' })
  const { json } = await get(`/v1/invoices?customer=${customer.id}`, key)
  expect(json).toMatchObject({
    data: [
      { total: { amount: 6500, currency: 'USD' }, lines: [{ kind: 'license', license, quantity: '65000' }] },
    ],
  })
})

test('the same folder goes on; operators’ keys are told once and kept nowhere; a given one is added', async () => {
  const { operatorKeys, testKey } = server
  const given = formatSecret('live', new Uint8Array(32).fill(7))
  await server.lifecycle.stop('it is started again')
  server = await startStandalone({ ...options, operatorKey: given })
  expect(server.operatorKeys).toEqual({ test: undefined, live: undefined })
  expect(server.testKey).toBe(testKey)
  for (const key of [testKey, operatorKeys.test, operatorKeys.live, given]) await self(key)
  expect((await self(given)).tenant).toBe((await self(operatorKeys.live)).tenant)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  const secrets = [operatorKeys.test ?? '', operatorKeys.live ?? '', given]
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(join(parentPath, name))
    expect(secrets.filter((secret) => bytes.includes(secret))).toEqual([])
  }
})

test('what is no key is refused as an operator’s key, without being repeated', async () => {
  const bad = `${server.testKey.slice(0, -1)}!`
  const start = startStandalone({ ...options, operatorKey: bad })
  await expect(start).rejects.toThrow('TALLYSTICK_OPERATOR_KEY is no API key')
  await expect(start).rejects.not.toThrow(bad)
})
