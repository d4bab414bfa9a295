import { afterAll, beforeAll, expect, test } from 'vitest'
import { license } from '@tallystick/protocol'
import { receiptEntry } from '@tallystick/receipt'
import { readAnswer, until } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { tryOperations } from '@tallystick/runtime/try-operations'
import { startHttpWorld } from '../../services/audit/src/http-world.ts'
import { router as audit } from '../../services/audit/src/router.ts'
import { startBillingWorld } from '../../services/billing/src/billing-world.ts'
import { router as billing } from '../../services/billing/src/router.ts'
import { startIdentityWorld } from '../../services/identity/src/identity-world.ts'
import { router as identity } from '../../services/identity/src/router.ts'
import { startLicensingWorld } from '../../services/licensing/src/licensing-world.ts'
import { router as licensing } from '../../services/licensing/src/router.ts'
import { furnish } from './furnish.ts'
import type { Holdings } from './furnish.ts'
import { putMeterEvent } from './put-meter-event.ts'
import { readyBilling } from './ready-billing.ts'
import type { Ready } from './ready-billing.ts'
import { startRightsWorld } from './rights-world.ts'
import type { Market, RightsWorld } from './rights-world.ts'
import { makeServiceKey } from './service-key.ts'

/** Each service with its router and a copy to ask for its routes. */
const services = [
  { name: 'identity', router: identity, start: startIdentityWorld },
  { name: 'licensing', router: licensing, start: startLicensingWorld },
  { name: 'billing', router: billing, start: startBillingWorld },
  { name: 'audit', router: audit, start: startHttpWorld },
]

let world: RightsWorld
let market: Market
let holdings: Holdings
let service: string
let ready: Record<string, Ready>

beforeAll(async () => {
  world = await startRightsWorld()
  market = await world.found('A market', 'test')
  holdings = await furnish(world, market)
  service = await makeServiceKey(world.dataDirectory, 'test', market.tenant)
  ready = await prepare()
})
afterAll(() => world.close())

const post = (path: string, body: object = {}) => world.call('POST', path, { key: market.key, body })
const because = { reason: 'because' }

function idOf({ json, status, text }: HttpAnswer): string {
  const id: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'id') : undefined
  if (status >= 300 || typeof id !== 'string') throw new Error(`${status} ${text}`)
  return id
}

/** For each operation whose example needs an object of a certain state, that object; the others take any. */
async function prepare(): Promise<Record<string, Ready>> {
  const account = async () => idOf(await post('/v1/accounts', { role: 'developer', name: 'x' }))
  const suspended = await account()
  await post(`/v1/accounts/${suspended}/suspend`, because)
  const key = async () => idOf(await post('/v1/api-keys', { name: 'x', scopes: ['usage:read'] }))
  const [template = ''] = holdings.get('tmpl') ?? []
  const made = async (more: object = {}) => idOf(await post('/v1/licenses', { ...sample, ...more }))
  const active = async (more: object = {}) => {
    const id = await made(more)
    idOf(await post(`/v1/licenses/${id}/accept`))
    return id
  }
  const make = async (path: string, body?: object) => idOf(await post(path, body))
  const report = (events: object[]) => post('/v1/usage-reports', { events })
  const [receipt = ''] = holdings.get('aud') ?? []
  const evidence = await until(async () => {
    const answer = await world.call('GET', `/v1/audit/${receipt}/evidence`, { key: market.key })
    return answer.status === 200 ? (answer.json as { receipt: string }) : undefined
  })
  const unsure = await putMeterEvent(world.dataDirectory, market.tenant, 'unsure')
  return {
    ...(await readyBilling(make, report, { active: await active(), priced: await active(pricedByUse) })),
    'stripeMeterEvents.resolve': { meter_event_id: unsure },
    'accounts.create': { external_id: 'fresh' },
    'accounts.get': { account_id: await account() },
    'accounts.update': { account_id: await account() },
    'accounts.suspend': { account_id: await account() },
    'accounts.reactivate': { account_id: suspended },
    'apiKeys.rotate': { key_id: await key() },
    'apiKeys.revoke': { key_id: await key() },
    'licenses.text': { license_id: await made({ legal_text: { template, variables: { buyer: 'X' } } }) },
    'licenses.offer': { license_id: await made({ draft: true }) },
    'licenses.accept': { license_id: await made() },
    'licenses.revoke': { license_id: await active() },
    'licenses.terminate': { license_id: await active() },
    'licenses.amend': { license_id: await active() },
    'datasets.create': { reference: 'fresh' },
    'subjectRequests.export': {
      request_id: idOf(await post('/v1/data-subject-requests', { type: 'export', subject: 'cr_123' })),
    },
    proof: { audit_id: receipt },
    evidence: { audit_id: receipt },
    proofByHash: { receipt_hash: `sha256:${Buffer.from(receiptEntry(evidence.receipt)).toString('hex')}` },
    evidenceOf: { receipt: evidence.receipt, receipt_hash: undefined },
    verify: { evidence },
    consistency: { from: 1, to: 1 },
    erase: { tenant: market.tenant },
    // Whoever the others name is needed by the tests behind.
    'personalData.forget': { names: ['nobody'] },
    'customers.forgetPerson': { names: ['nobody'] },
  }
}

const sample = {
  creator_id: 'cr_123',
  buyer_id: 'dev_456',
  items: ['dataset_789'],
  pricing: { model: 'royalty', rate: 0.05 },
  terms: { exclusive: false, region_restrictions: [], duration_days: 365 },
}

const pricedByUse = { buyer_id: 'buyer', pricing: { model: 'usage', metric: 'tokens', unit_price: '0.001' } }

/** What is sent of an operation's example: with objects that exist, and of the state that it needs. */
function complete(operation: string, example: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const more = ready[operation] ?? {}
  return { ...(withOwnIds(example) as object), ...(typeof more === 'function' ? more(example) : more) }
}

/** An example with ids of the marketplace's own in place of the ones that stand in all examples. */
function withOwnIds(value: unknown): unknown {
  const text = JSON.stringify(value)?.replaceAll(
    /\b([a-z]+)_01kqxq5t8r0{16}\b/g,
    (example, prefix: string) => [...(holdings.get(prefix) ?? [])].at(-1) ?? example,
  )
  return text === undefined ? undefined : JSON.parse(text)
}

test.each(services)('every route of $name answers its examples as documented', async ({ router, start }) => {
  const copy = await start()
  const keys: Record<string, string> = {
    'tenants.create': world.platformKey.test,
    'decisions.check': service,
    'licenses.charges': service,
    erase: service,
    'personalData.tell': service,
    'personalData.forget': service,
    'customers.tellPerson': service,
    'customers.forgetPerson': service,
  }
  const complaints = await tryOperations({
    url: world.url,
    router,
    key: (operation) => keys[operation] ?? market.key,
    complete,
    server: copy.service.server,
  })
  await copy.close()
  expect(complaints).toEqual([])
})

test('a license walks through every state over HTTP', async () => {
  const seen = new Set<string>()
  const look = async (id: string) => {
    const found = readAnswer(license, await world.call('GET', `/v1/licenses/${id}`, { key: market.key }))
    for (const { status } of found.history) seen.add(status)
    return found.status
  }
  const create = async (more: object = {}) => idOf(await post('/v1/licenses', { ...sample, ...more }))
  const move = async (id: string, action: string, body: object = {}) => {
    idOf(await post(`/v1/licenses/${id}/${action}`, body))
    return look(id)
  }
  const walked = await create({ draft: true })
  expect(await look(walked)).toBe('draft')
  expect(await move(walked, 'offer')).toBe('offered')
  expect(await move(walked, 'accept')).toBe('active')
  const amended = idOf(
    await post(`/v1/licenses/${walked}/amend`, { reason: 'new rate', metadata: { rate: 'new' } }),
  )
  expect(await move(amended, 'accept')).toBe('active')
  expect(await look(walked)).toBe('superseded')
  expect(await move(amended, 'terminate', because)).toBe('terminated')
  const ahead = await create({ effective_from: new Date(Date.now() + 3_600_000).toISOString() })
  expect(await move(ahead, 'accept')).toBe('accepted')
  expect(await move(ahead, 'revoke', because)).toBe('revoked')
  let briefly = 1000
  const brief = await until(async () => {
    // On a slow machine it may be over before it is accepted: the next takes longer.
    const effective_until = new Date(Date.now() + (briefly *= 2)).toISOString()
    const id = await create({ terms: {}, effective_until })
    return (await post(`/v1/licenses/${id}/accept`, {})).status === 200 ? id : undefined
  })
  await until(async () => ((await look(brief)) === 'expired' ? true : undefined))
  expect([...seen].toSorted()).toEqual([...license.shape.status.options].toSorted())
})
