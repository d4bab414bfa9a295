import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openCheckpoint } from '@tallystick/merkle'
import { formatSecret } from '@tallystick/runtime'
import { problemOf, readAnswer, sendHttp } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { readCaddyfile } from './caddyfile.ts'
import { allReceipts, gradeOf, receiptsOf } from './receipts.ts'
import { names } from './relocate.ts'
import type { Name } from './relocate.ts'
import { startSeparateWorld, until } from './separate-world.ts'
import type { SeparateWorld } from './separate-world.ts'
import { invoicesOf, make, makeKey, moment, register, subscribe, walkToDecision } from './walk.ts'
import type { Walked } from './walk.ts'

const flat = { model: 'flat', currency: 'USD', amount: 5000, recurring: { interval: 'month' } }
const perToken = { model: 'per_unit', currency: 'USD', unit_amount: '0.001' }
const readingKinds = ['accounts:read', 'licenses:read', 'billing:read', 'audit:read']
/** With a key that may read: one path of each service. */
const oneOfEach = { licensing: '/v1/licenses', billing: '/v1/invoices', audit: '/v1/audit' }

// Processes start within; a busy machine takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

let world: SeparateWorld
let walked: Walked
/** The developer's customer. */
let buyer: string
/** A key that every service knows, revoked; and when that was answered. */
let revoked: { secret: string; at: number }

beforeAll(async () => void (world = await startSeparateWorld()))
afterAll(async () => world?.close())

async function statuses(key: string): Promise<Record<string, number>> {
  const asked = Object.entries(oneOfEach).map(
    async ([name, path]) => [name, (await world.call('GET', path, { key })).status] as const,
  )
  return Object.fromEntries(await Promise.all(asked))
}

/** Waits until every service answers a key with this status. */
async function everywhere(key: string, status: number): Promise<void> {
  await until(`every service answers ${status}`, async () =>
    Object.values(await statuses(key)).every((one) => one === status) ? true : undefined,
  )
}

test('the Caddyfile sends every path of every service’s API to the service that has it', async () => {
  const routeOf = readCaddyfile()
  for (const name of names) {
    const document = await sendHttp('GET', `${world.doors[name].url}/v1/openapi.json`)
    const { paths } = z.object({ paths: z.record(z.string(), z.unknown()) }).parse(document.json)
    const concrete = Object.keys(paths).map((path) => path.replaceAll(/\{[\w+]+\}/g, 'x'))
    expect(concrete.length).toBeGreaterThan(5)
    const hosts = name === 'audit' ? ['audit:8080', 'audit-2:8080'] : [`${name}:8080`]
    for (const path of [...concrete, `/trpc/${name}/x`])
      expect([path, routeOf(path)]).toEqual([path, { hosts }])
  }
  expect(routeOf('/v1/webhooks/stripe')).toEqual({ hosts: ['billing:8080'] })
  // Where the `type` of every problem points.
  expect((await world.call('GET', '/errors')).status).toBe(200)
})

test('what a developer does in three services has receipts in the fourth, and their proofs verify', async () => {
  walked = await walkToDecision(world)
  const { developerKey: key, license, item } = walked
  const { id: meter } = await make(world, '/v1/meters', {
    name: 'tokens',
    metric: 'tokens',
    aggregation: 'sum',
  })
  const { customer, clock, price } = await subscribe(world, walked.developer, { definition: perToken, meter })
  buyer = customer
  const event = { license_id: license, items: [item], metric: 'tokens', quantity: '65000', purpose: 'train' }
  const sent = { key, body: { ...event, event_id: 'walk-1' } }
  const used = await world.call('POST', '/v1/usage-reports', sent)
  const reported = z.object({
    data: z.tuple([z.object({ status: z.literal('accepted'), audit_id: z.string() })]),
  })
  const [{ audit_id: usage }] = readAnswer(reported, used, 201).data
  // Licensing says no to another purpose than the agreement's; billing asks it over HTTP.
  const other = { ...event, purpose: 'resale', event_id: 'walk-2' }
  const refused = await world.call('POST', '/v1/usage-reports', { key, body: other })
  expect(refused.json).toMatchObject({ data: [{ status: 'refused' }] })

  const quoted = await world.call('POST', `/v1/prices/${price}/quote`, {
    key: world.operatorKey,
    body: { quantity: '65000' },
  })
  expect(quoted.json).toMatchObject({ total: { amount: 6500 } })
  await make(world, `/v1/test-clocks/${clock}/advance`, { to: moment(32) }, 200)
  const [invoice] = await invoicesOf(world, customer)
  expect(invoice).toMatchObject({ status: 'paid', total: { amount: 6500 } })

  const grades = { ...walked.audits, usage, invoice: invoice?.audit_id ?? '' }
  for (const [what, id] of Object.entries(grades))
    expect([what, await gradeOf(world, id)]).toEqual([what, 'LOGGED'])
  await expect(makeKey(world, walked.developer, ['service'])).rejects.toThrow('forbidden')
  // The customer goes by its account, the license's buyer by a reference; licensing knows that they are one.
  const items = [{ license: walked.license }]
  await expect(make(world, '/v1/subscriptions', { customer, items })).rejects.toThrow('is paid by royalty')
})

test('who does not pay loses the keys at identity until the debt is paid; a refund ends the license at licensing', async () => {
  const { operatorKey: key } = world
  await make(world, '/v1/accounts', { role: 'developer', name: 'Late payers', external_id: 'dev_late' })
  const { secret } = await makeKey(world, 'dev_late', ['billing:read'])
  const stolen = '4000 0000 0000 9979'
  const { customer, clock } = await subscribe(world, 'dev_late', { card: stolen, definition: flat })
  await make(world, `/v1/test-clocks/${clock}/advance`, { to: moment(20) }, 200)
  const known = async () => (await world.call('GET', '/v1/api-keys/self', { key: secret })).status
  await until('the key is suspended', async () => ((await known()) === 401 ? true : undefined))
  await make(world, `/v1/customers/${customer}`, { payment_method: '4242 4242 4242 4242' }, 200)
  for (const { id, status } of await invoicesOf(world, customer))
    if (status !== 'paid') await make(world, `/v1/invoices/${id}/pay`, {}, 200)
  await until('the key works again', async () => ((await known()) === 200 ? true : undefined))

  const held = await make(world, '/v1/payments/authorize', { customer, amount: 900, license: walked.license })
  await make(world, '/v1/payments/capture', { payment: held.id }, 200)
  await make(world, '/v1/payments/refund', { payment: held.id, revoke_license: true }, 201)
  await until('the license is revoked', async () => {
    const { json } = await world.call('GET', `/v1/licenses/${walked.license}`, { key })
    return z.object({ status: z.string() }).parse(json).status === 'revoked' ? true : undefined
  })
})

test('audit that is killed loses no receipt and makes none twice', async () => {
  const { secret, id } = await makeKey(world, undefined, readingKinds)
  expect(await statuses(secret)).toEqual({ licensing: 200, billing: 200, audit: 200 })
  await make(world, `/v1/api-keys/${id}/revoke`, {}, 200)
  revoked = { secret, at: performance.now() }

  const change = async (place: number) => {
    const subject = `cr_${place}`
    const changes = [
      make(world, '/v1/consents', { subject, purposes: ['train'], items: [walked.item] }),
      make(world, '/v1/accounts', { role: 'creator', name: 'One', external_id: subject }),
      make(world, '/v1/credit-grants', { customer: buyer, amount: 100 }),
    ]
    return (await Promise.all(changes)).map(({ audit_id }) => audit_id)
  }
  const before = []
  for (let place = 0; place < 5; place++) before.push(...(await change(place)))
  // Amid deliveries: what was recorded and not acknowledged comes again.
  const killed = world.end('audit', 'SIGKILL')
  const meanwhile = []
  for (let place = 5; place < 20; place++) meanwhile.push(...(await change(place)))
  expect(await killed).toBeNull()
  await world.start('audit')
  const all = [...before, ...meanwhile]
  expect(all).toHaveLength(60)
  await receiptsOf(world, all)

  const found = await allReceipts(world)
  expect(new Set(found.map(({ event }) => event)).size).toBe(found.length)
  const { log } = z
    .object({ log: z.object({ key: z.string() }) })
    .parse((await world.call('GET', '/v1/keys')).json)
  await until('the log holds each of them once', async () => {
    const receipts = await allReceipts(world)
    const { text } = await world.call('GET', '/log/checkpoint')
    const { size } = openCheckpoint(text, { logKey: log.key })
    const places = new Set(receipts.flatMap(({ index }) => index ?? []))
    return places.size === receipts.length && size === receipts.length ? true : undefined
  })
})

test('a key that identity revoked is refused by every service five seconds later', async () => {
  await pause(Math.max(0, revoked.at + 5000 - performance.now()))
  expect(await statuses(revoked.secret)).toEqual({ licensing: 401, billing: 401, audit: 401 })
})

test('an erasure reaches a person in every service, under all names, and proofs stay', async () => {
  const { operatorKey: key } = world
  const names = { name: 'Pia Privat', email: 'pia@example.org' }
  const { id } = await make(world, '/v1/accounts', { role: 'creator', external_id: 'cr_private', ...names })
  const { secret } = await makeKey(world, id, ['licenses:read'])
  const customer = await make(world, '/v1/customers', { reference: 'cr_private', ...names })
  const item = await register(world, 'ee')
  const consents = []
  for (const subject of ['cr_private', id])
    consents.push(await make(world, '/v1/consents', { subject, purposes: ['train'], items: [item] }))
  const auditIds = consents.map(({ audit_id }) => audit_id)
  await receiptsOf(world, auditIds)

  const request = await make(world, '/v1/data-subject-requests', { type: 'erase', subject: 'cr_private' })
  const done = await until('the erasure is completed', async () => {
    const { json } = await world.call('GET', `/v1/data-subject-requests/${request.id}`, { key })
    return z.looseObject({ status: z.literal('completed') }).safeParse(json).data
  })
  expect(done).toMatchObject({ outcome: { erased: { consent: 2, account: 1, customer: 1 } } })
  for (const auditId of auditIds) {
    expect((await world.call('GET', `/v1/audit/${auditId}/body`, { key })).status).toBe(410)
    expect(await gradeOf(world, auditId)).toBe('LOGGED')
  }
  for (const path of [`/v1/accounts/${id}`, `/v1/customers/${customer.id}`]) {
    const { status, text } = await world.call('GET', path, { key })
    expect([path, status, /cr_private|pia/i.exec(text)]).toEqual([path, 200, null])
  }
  expect((await world.call('GET', '/v1/api-keys/self', { key: secret })).status).toBe(401)
})

test('two copies of billing on one store do nothing twice', async () => {
  const { operatorKey: key } = world
  const copy = world.spawn('billing')
  const urls = [world.doors.billing.url, `http://127.0.0.1:${await copy.listening}`]
  const { customer, clock } = await subscribe(world, 'dev_twice', { definition: flat })
  const both = (path: string, body: object) => {
    const headers = { 'idempotency-key': crypto.randomUUID() }
    return Promise.all(urls.map((url) => world.call('POST', path, { key, body, headers, url })))
  }
  for (let place = 0; place < 10; place++) {
    const event = { event_id: `twice-${place}`, customer, metric: 'tokens', quantity: '7', purpose: 'train' }
    const answers = await both('/v1/usage-reports', { ...event, success: false })
    // The second finds the first's answer, or is told to wait for it.
    for (const { status } of answers) expect([201, 409]).toContain(status)
  }
  const to = moment(100)
  await Promise.all(
    urls.map((url) => world.call('POST', `/v1/test-clocks/${clock}/advance`, { key, body: { to }, url })),
  )
  await until('the clock has come to its time', async () => {
    const { json } = await world.call('GET', `/v1/test-clocks/${clock}`, { key })
    return z.looseObject({ status: z.literal('ready'), now: z.literal(to) }).safeParse(json).data
  })
  const invoices = await invoicesOf(world, customer)
  expect(invoices.map(({ status, total }) => [status, total.amount])).toEqual(
    Array.from({ length: 4 }, () => ['paid', 5000]),
  )

  // The copy that does the jobs dies: the other goes on.
  await world.end('billing', 'SIGKILL')
  world.doors.billing.lead(await copy.listening)
  const last = await make(world, '/v1/credit-grants', { customer, amount: 100 })
  await receiptsOf(world, [last.audit_id, ...invoices.map(({ audit_id }) => audit_id ?? '')])
  const paid = invoices.map(({ id }) => id)
  const usage = await until('receipts of all usage', async () => {
    const found = (await allReceipts(world)).filter(({ kind }) => kind === 'usage.reported')
    return found.length >= 12 ? found : undefined
  })
  expect(usage).toHaveLength(12)
  expect(new Set(paid).size).toBe(4)
})

test('without identity nobody gets in: a clear 503 that says when to ask again', async () => {
  const { secret: fresh } = await makeKey(world, undefined, readingKinds)
  const unknown = formatSecret('test', new Uint8Array(32).fill(1))
  const identity = world.running.get('identity')
  const refusals = async (key: string) =>
    Promise.all(
      Object.values(oneOfEach).map(async (path) => {
        const answer = await world.call('GET', path, { key })
        return [problemOf(answer).code, answer.status, Number(answer.headers.get('retry-after'))]
      }),
    )
  const unavailable = Array.from({ length: 3 }, () => ['unavailable', 503, 1])
  // It takes connections and answers nothing: the worst of all failures.
  identity?.signal('SIGSTOP')
  const hanging = await Promise.all([refusals(fresh), refusals(unknown)])
  expect(hanging).toEqual([unavailable, unavailable])
  identity?.signal('SIGCONT')
  await until('identity answers again', async () =>
    (await world.call('GET', '/v1/api-keys/self', { key: fresh })).status === 200 ? true : undefined,
  )
  await everywhere(unknown, 401)

  await world.end('identity', 'SIGKILL')
  expect(await refusals(unknown)).toEqual(unavailable)
  expect(problemOf(await world.call('GET', oneOfEach.audit, { key: 'sk_test_guess' })).status).toBe(401)
  await world.start('identity')
  await everywhere(fresh, 200)
})

test('a service says at its start and by /readyz that its key is wrong or opens too little', async () => {
  const { secret: narrow } = await makeKey(world, undefined, ['audit:write'])
  const live = formatSecret('live', new Uint8Array(32).fill(2))
  const withKey = (name: Name, key: string) => {
    const file = join(world.folder, `${name}-wrong-key`)
    writeFileSync(file, key)
    const database = `sqlite:${join(world.folder, `${name}-wrong-key-data`)}`
    const env = { ...world.environment(name), SERVICE_KEY_FILE: file, DATABASE_URL: database }
    return world.spawn(name, env)
  }
  const service = withKey('licensing', narrow)
  const url = `http://127.0.0.1:${await service.listening}`
  await until('its reason is in the log', async () => {
    const { status, json } = await sendHttp('GET', `${url}/readyz`)
    expect([status, json]).toMatchObject([503, { status: 'not ready', checks: { service_key: 'failed' } }])
    return service.log.find(({ err }) =>
      err?.message.includes('lacks the scope service (it has audit:write)'),
    )
  })
  await expect(withKey('identity', live).listening).rejects.toThrow('holds a key of live mode, MODE is test')
})

test('SIGTERM ends a service in good order, whichever of the others are still there', async () => {
  for (const name of ['audit', 'identity', 'licensing'] as const)
    expect([name, await world.end(name, 'SIGTERM')]).toEqual([name, 0])
})
