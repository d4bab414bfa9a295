import { request as ask } from 'node:http'
import { problemOf } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkpoints } from '../../services/audit/src/collections.ts'
import { startHttpWorld } from '../../services/audit/src/http-world.ts'
import type { ApiOperation } from './api-document.ts'
import { billingOwnCodes } from './billing-own-codes.ts'
import { furnish } from './furnish.ts'
import type { Holdings } from './furnish.ts'
import { requestTo, sentBody } from './requests.ts'
import type { Request } from './requests.ts'
import { startRightsWorld } from './rights-world.ts'
import type { Market, RightsWorld, Sent } from './rights-world.ts'
import { makeServiceKey } from './service-key.ts'
import { stateRefusals } from './state-refusals.ts'

/** The services whose routes are walked here. A service is one word. */
const services = new Set(['identity', 'licensing', 'billing', 'audit'])
/** What only competitors for the same object (conflicts.test.ts) can provoke. */
const shownElsewhere = new Set(['conflict'])
/** Refused only until the first head of a new log is signed, which happens while the service starts. */
const atFirstStart = 'audit.log.checkpoint: not_found'

let world: RightsWorld
let limited: RightsWorld
let market: Market
let holdings: Holdings
/** Keys of one scope each: of two, one may not call an operation. */
let narrow: readonly { scope: string; key: string }[]
let service: string
/** Answers to bodies that stop amid the way, as long as they take: the other tests run meanwhile. */
let stopped: Promise<void>
/** Which codes each operation answered so far. */
const provoked = new Map<string, Set<string>>()
const complaints: string[] = []

beforeAll(async () => {
  const once = { requests: 1, windowSeconds: 86_400, burst: 1 }
  ;[world, limited] = await Promise.all([
    startRightsWorld({ bodySeconds: 5 }),
    startRightsWorld({ ratePlans: { standard: once, public: once } }),
  ])
  market = await world.found('A market', 'test')
  holdings = await furnish(world, market)
  narrow = await Promise.all(
    ['usage:read', 'licenses:read'].map(async (scope) => {
      const body = { name: 'n', scopes: [scope] }
      return { scope, key: secretIn(await world.call('POST', '/v1/api-keys', { key: market.key, body })) }
    }),
  )
  service = await makeServiceKey(world.dataDirectory, 'test', market.tenant)
  stopped = sendBodiesThatStop()
})
afterAll(async () => {
  await Promise.all([world.close(), limited.close()])
})

function secretIn({ json, text }: HttpAnswer): string {
  const secret = typeof json === 'object' && json !== null ? Reflect.get(json, 'secret') : undefined
  if (typeof secret !== 'string') throw new Error(text)
  return secret
}

const tried = () => world.operations.filter(({ name }) => services.has(name.split('.')[0] ?? ''))
const latest = (prefix: string) => [...(holdings.get(prefix) ?? [])].at(-1)
const nothing = () => undefined

/** A key that may call the operation. */
function keyFor({ scope }: ApiOperation): string {
  if (scope === 'service') return service
  return scope === 'platform' ? world.platformKey.test : market.key
}

/** Takes an answer down: under which code, and whether that is documented for the operation. */
function note(operation: ApiOperation, answer: HttpAnswer): void {
  const place = `${operation.method} ${operation.path} (${operation.name})`
  if (answer.status < 400) {
    if (!operation.statuses.includes(String(answer.status)))
      complaints.push(`${place}: status ${answer.status}`)
    return
  }
  const { code, status } = problemOf(answer)
  const codes = provoked.get(operation.name) ?? new Set()
  provoked.set(operation.name, codes.add(code))
  if (status !== answer.status || operation.codes.get(code) !== status)
    complaints.push(`${place}: ${answer.status} ${code} is not documented: ${answer.text.slice(0, 200)}`)
}

async function send(operation: ApiOperation, request: Request, sent: Sent = {}): Promise<HttpAnswer> {
  const { body, headers } = sentBody(request)
  const answer = await world.call(operation.method, request.path, {
    key: keyFor(operation),
    body,
    ...sent,
    headers: { ...headers, ...sent.headers },
  })
  note(operation, answer)
  return answer
}

const good = (operation: ApiOperation) => requestTo(operation, latest)

test('keys that are missing or may not', async () => {
  for (const operation of tried()) {
    await send(operation, good(operation), { key: undefined })
    const { key } = narrow.find(({ scope }) => scope !== operation.scope) ?? {}
    if (operation.scope !== 'public') await send(operation, good(operation), { key })
    await send(operation, good(operation), { key: service, headers: { 'tallystick-tenant': 'nonsense' } })
    if (operation.scope === 'any')
      await send(operation, good(operation), { key, headers: { 'tallystick-tenant': market.tenant } })
  }
})

test('bodies and queries that are not as they must be', async () => {
  for (const operation of tried()) {
    const { path, body, upload } = good(operation)
    // No UTF-8.
    await send(operation, { path: `${path}${path.includes('?') ? '&' : '?'}%FF`, ...(body && { body }) })
    if (upload) {
      await send(operation, { path }, { body: upload.text, headers: { 'content-type': 'image/png' } })
      await send(operation, { path: `${path}?zz=1`, upload })
      continue
    }
    if (!operation.hasBody) {
      await send(operation, { path: `${path}${path.includes('?') ? '&' : '?'}zz=1` })
      continue
    }
    await send(operation, { path, body: { ...body, zz: 1 } })
    await send(operation, { path }, { body: '{' })
    await send(operation, { path, body: { ...body } }, { headers: { 'content-type': 'text/plain' } })
    // Of a gigabyte, of which nothing is sent.
    note(operation, await beginBody(operation, path, { length: 1e9 }))
  }
})

async function sendBodiesThatStop(): Promise<void> {
  await Promise.all(
    tried()
      .filter(({ hasBody, upload }) => hasBody || upload)
      .map(async (operation) => {
        const type = operation.upload?.type
        note(operation, await beginBody(operation, good(operation).path, { length: 100, part: '{', type }))
      }),
  )
}

/** Tells of a body of some length, and sends `part` of it. */
function beginBody(
  operation: ApiOperation,
  path: string,
  { length, part, type = 'application/json' }: { length: number; part?: string; type?: string | undefined },
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const headers = {
    authorization: `Bearer ${keyFor(operation)}`,
    'content-type': type,
    'content-length': length,
    'idempotency-key': crypto.randomUUID(),
  }
  const sent = ask(world.url + path, { method: operation.method, headers }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const type = response.headers['content-type'] ?? ''
      resolve({
        status: response.statusCode ?? 0,
        headers: new Headers({ 'content-type': type }),
        text,
        json: JSON.parse(text),
      })
      sent.destroy()
    })
  })
  sent.on('error', reject)
  if (part === undefined) sent.flushHeaders()
  else sent.write(part)
  return promise
}

test('idempotency keys that are missing, mixed up or used', async () => {
  for (const operation of tried().filter(({ keyed }) => keyed)) {
    const { path, body } = requestTo(operation, nothing)
    if (operation.codes.has('idempotency_key_missing'))
      await send(operation, { path, body: { ...body } }, { keyless: true })
    const other = { body: { ...body, idempotency_key: 'one' }, headers: { 'idempotency-key': 'another' } }
    await send(operation, { path }, other)
    await send(
      operation,
      { path, body: { ...body } },
      { headers: { 'idempotency-key': await usedKey(operation) } },
    )
  }
})

const used = new Map<string, string>()

/** An idempotency key that the operation's caller has used for another operation of the service. */
async function usedKey(operation: ApiOperation): Promise<string> {
  const key = keyFor(operation)
  const [service = ''] = operation.name.split('.')
  const other = tried().find(
    ({ name, keyed, scope }) =>
      keyed && name.startsWith(service) && name !== operation.name && scope !== 'platform',
  )
  if (!other) throw new Error(`${service} has one keyed operation alone`)
  const place = `${other.name} ${key}`
  const known = used.get(place)
  if (known !== undefined) return known
  const made = crypto.randomUUID()
  used.set(place, made)
  await send(other, requestTo(other, nothing), { key, headers: { 'idempotency-key': made } })
  return made
}

test('repetitions while the first request still runs', async () => {
  for (const operation of tried().filter(({ keyed }) => keyed)) {
    const request = requestTo(operation, nothing)
    for (
      let round = 0;
      round < 30 && provoked.get(operation.name)?.has('idempotency_in_progress') !== true;
      round++
    ) {
      const headers = { 'idempotency-key': crypto.randomUUID() }
      await Promise.all(Array.from({ length: 8 }, () => send(operation, request, { headers })))
    }
  }
})

test('ids of nothing', async () => {
  for (const operation of tried().filter(({ idFields }) => idFields.length > 0)) {
    await send(operation, requestTo(operation, nothing))
  }
})

test('objects in a state that does not allow it', async () => {
  for (const [name, requests] of Object.entries(stateRefusals({ world, market, holdings }))) {
    const operation = operationOf(name)
    for (const [code, make] of Object.entries(requests)) {
      const { id, body, key } = await make()
      const path = id === undefined ? operation.path : operation.path.replace(/\{\w+\}/, id)
      const answer = await send(operation, { path }, { body, ...(key !== undefined && { key }) })
      expect([name, code, answer.status < 400 ? answer.text : problemOf(answer).code]).toEqual([
        name,
        code,
        code,
      ])
    }
  }
})

const operationOf = (name: string) => {
  const operation = tried().find((one) => one.name === name)
  if (!operation) throw new Error(`there is no operation ${name}`)
  return operation
}

test('records whose event was erased, and sizes that the log does not have', async () => {
  const event = 'to be erased'
  const records = [{ event, kind: 'test.made', actor: market.tenant, data: {} }]
  const { text } = await world.call('POST', '/v1/audit/records', { key: market.key, body: { records } })
  const [, audit = ''] = /"(aud_\w+)"/.exec(text) ?? []
  await world.call('POST', '/v1/audit/erasures', {
    key: service,
    body: { tenant: market.tenant, events: [event] },
  })
  await send(operationOf('audit.body'), { path: `/v1/audit/${audit}/body` })
  await send(operationOf('audit.consistency'), { path: '/v1/audit/consistency?from=1&to=1000000000' })
})

test('proofs of what no signed head covers yet', async () => {
  const audit = await startHttpWorld()
  try {
    const { store } = audit.service
    const commit = store.commit.bind(store)
    // As on a machine that is too slow to sign another head.
    store.commit = async (writes) => {
      if (writes.some(({ collection }) => collection.name === checkpoints.name)) throw new Error('not now')
      await commit(writes)
    }
    const key = await audit.keyOf(market.tenant)
    const [receipt] = await audit.record(key, [{ event: 'not signed yet' }])
    const path = `/v1/audit/${receipt?.id}`
    note(operationOf('audit.proof'), await audit.call(`${path}/proof`, { key }))
    note(operationOf('audit.evidence'), await audit.call(`${path}/evidence`, { key }))
    const body = { receipt: receipt?.receipt }
    note(operationOf('audit.evidenceOf'), await audit.call('/v1/audit/evidence', { body }))
    const hashed = `/v1/audit/proofs/${receipt?.receipt_hash}`
    note(operationOf('audit.proofByHash'), await audit.call(hashed))
  } finally {
    await audit.close()
  }
})

test('keys and addresses that asked too often', async () => {
  const { key } = await limited.found('Often', 'test')
  for (const operation of tried()) {
    // What any key may ask is counted only for those that are none.
    const sent = ['public', 'any'].includes(operation.scope) ? {} : { key }
    const ask = () => limited.call(operation.method, good(operation).path, sent)
    // Each service counts for itself, and takes one request.
    const first = await ask()
    const answer = first.status === 429 ? first : await ask()
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    note(operation, answer)
  }
})

test('bodies that stop amid the way', () => stopped)

/** Whether a refusal that is documented is another test's. */
function isShownElsewhere(name: string, code: string): boolean {
  const isOwn = name.startsWith('billing.') && billingOwnCodes.has(code)
  return isOwn || shownElsewhere.has(code) || `${name}: ${code}` === atFirstStart
}

test('every documented refusal was provoked, and no other came', () => {
  const missing = tried().flatMap(({ name, codes }) =>
    [...codes]
      .filter(([code, status]) => status < 500 && !isShownElsewhere(name, code))
      .filter(([code]) => provoked.get(name)?.has(code) !== true)
      .map(([code]) => `${name}: ${code}`),
  )
  expect({ complaints, missing }).toEqual({ complaints: [], missing: [] })
  expect(tried().length).toBeGreaterThan(130)
})
