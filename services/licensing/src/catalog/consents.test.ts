import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { hash } from 'node:crypto'
import { consent, dataset, itemDetail, listOf } from '@tallystick/protocol'
import { systemEntropy } from '@tallystick/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'

const tenant = 'acct_01kqxq5t8r0000000000000000'
const creatorAccount = 'acct_01kqxq5t8r0000000000000001'
const subjectAccount = 'acct_01kqxq5t8r0000000000000003'
let world: LicensingWorld
let key: string
let creatorKey: string
let skewMs = 0

beforeAll(async () => {
  const entropy = systemEntropy(() => new Date(Date.now() + skewMs))
  world = await startLicensingWorld({ entropy })
  key = await world.keyOf({ tenant })
  creatorKey = await world.keyOf({ tenant, role: 'creator', account: creatorAccount })
})
afterAll(() => world.close())

let made = 0
async function newItems(count: number, creator = creatorAccount): Promise<string[]> {
  const hashes = Array.from({ length: count }, () => `sha256:${hash('sha256', `consent item ${made++}`)}`)
  const items = hashes.map((one) => ({ hash: one, creators: [creator] }))
  const answer = await world.call('POST', '/v1/items/batch', { key, body: { items } })
  if (answer.status !== 200) throw new Error(answer.text)
  return hashes
}

async function grant(body: object, as = key) {
  const whole = { subject: 'person_1', purposes: ['train'], ...body }
  return readAnswer(consent, await world.call('POST', '/v1/consents', { key: as, body: whole }), 201)
}

async function detailOf(name: string) {
  return readAnswer(itemDetail, await world.call('GET', `/v1/items/${name}`, { key }))
}

test('stands with the items that it covers, and is told with its receipt', async () => {
  const [a = '', b = '', c = ''] = await newItems(3)
  const granted = await grant({ items: [a, b, a], regions: ['DE'], evidence_hash: a })
  expect(granted).toMatchObject({ status: 'active', items: [a, b], regions: ['DE'] })
  expect((await detailOf(a)).consents).toStrictEqual([granted.id])
  expect((await detailOf(b)).consents).toStrictEqual([granted.id])
  expect((await detailOf(c)).consents).toStrictEqual([])
  const event = await until(() =>
    world
      .recorded(tenant)
      .find((one) => one.kind === 'consent.granted' && one.data?.['consent'] === granted.id),
  )
  expect(event).toMatchObject({
    actor: tenant,
    items: [a, b],
    data: { subject: 'person_1', regions: ['DE'] },
  })
  for (const filter of [`item=${a}`, `item=${(await detailOf(a)).id}`]) {
    const page = await world.call('GET', `/v1/consents?${filter}`, { key })
    expect(readAnswer(listOf(consent), page).data).toStrictEqual([granted])
  }
})

test('covers 1,000 items in one commit, or none', async () => {
  const hashes = await newItems(1000)
  const unknown = `sha256:${'0'.repeat(64)}`
  const body = { subject: 'person_2', purposes: ['train'], items: [...hashes.slice(1), unknown] }
  const refused = problemOf(await world.call('POST', '/v1/consents', { key, body }))
  expect(refused).toMatchObject({ code: 'reference_not_found', errors: [{ pointer: '/items/999' }] })
  expect((await detailOf(hashes[1] ?? '')).consents).toStrictEqual([])
  const granted = await grant({ items: hashes })
  expect((await detailOf(hashes[999] ?? '')).consents).toStrictEqual([granted.id])
})

test('covers a dataset, while items are registered in it', async () => {
  const body = { name: 'x', creators: [creatorAccount], reference: 'covered' }
  const { id } = readAnswer(dataset, await world.call('POST', '/v1/datasets', { key, body }), 201)
  const items = Array.from({ length: 3000 }, (_, index) => ({
    hash: `sha256:${hash('sha256', `covered ${index}`)}`,
    dataset: id,
  }))
  const [registered, ...grants] = await Promise.all([
    world.call('POST', '/v1/items/batch', { key, body: { items } }),
    ...Array.from({ length: 6 }, () => grant({ dataset: 'covered' })),
  ])
  expect(registered.status).toBe(200)
  const detail = await detailOf(items[0]?.hash ?? '')
  expect(new Set(detail.consents)).toStrictEqual(new Set(grants.map((one) => one.id)))
  expect(grants.every((one) => one.dataset === id)).toBe(true)
  const listed = await world.call('GET', '/v1/consents?dataset=covered', { key })
  expect(readAnswer(listOf(consent), listed).data.length).toBe(6)
})

test('is withdrawn once, with the reason of the first time, by one write to itself', async () => {
  const [one = ''] = await newItems(1)
  const granted = await grant({ items: [one] })
  const path = `/v1/consents/${granted.id}/withdraw`
  const withdrawn = readAnswer(consent, await world.call('POST', path, { key, body: { reason: 'asked' } }))
  expect(withdrawn).toMatchObject({ status: 'withdrawn', withdrawal_reason: 'asked' })
  expect(withdrawn.audit_id).not.toBe(granted.audit_id)
  const again = await world.call('POST', path, { key, body: { reason: 'once more' } })
  expect(readAnswer(consent, again)).toStrictEqual(withdrawn)
  expect((await detailOf(one)).consents).toStrictEqual([granted.id])
  expect(problemOf(await world.call('POST', path, { key, body: {} })).errors).toMatchObject([
    { pointer: '/reason' },
  ])
})

test('expires by time alone', async () => {
  const [one = ''] = await newItems(1)
  const expires_at = new Date(Date.now() + 3_600_000).toISOString()
  const granted = await grant({ items: [one], expires_at })
  expect(granted.status).toBe('active')
  skewMs = 3_700_000
  const found = readAnswer(consent, await world.call('GET', `/v1/consents/${granted.id}`, { key }))
  skewMs = 0
  expect(found).toStrictEqual({ ...granted, status: 'expired' })
})

test.each([
  [{}, '/items'],
  [{ items: [`sha256:${'0'.repeat(64)}`], dataset: 'x' }, '/dataset'],
  [{ dataset: 'x', granted_at: '2999-01-01T00:00:00.000Z' }, '/granted_at'],
  [{ dataset: 'x', expires_at: '2001-01-01T00:00:00.000Z' }, '/expires_at'],
])('refuses the consent %j at %s', async (fields, pointer) => {
  const body = { subject: 'person_1', purposes: ['train'], ...fields }
  const problem = problemOf(await world.call('POST', '/v1/consents', { key, body }))
  expect(problem).toMatchObject({ code: 'validation_failed', errors: [{ pointer }] })
})

test('lets a creator consent for its own items only, and see what concerns it', async () => {
  const [own = ''] = await newItems(1)
  const [other = ''] = await newItems(1, 'cr_other')
  const granted = await grant({ items: [own] }, creatorKey)
  const foreign = await grant({ items: [other] })
  const body = { subject: creatorAccount, purposes: ['train'], items: [other] }
  const refused = problemOf(await world.call('POST', '/v1/consents', { key: creatorKey, body }))
  expect(refused.code).toBe('reference_not_found')
  const see = (id: string) => world.call('GET', `/v1/consents/${id}`, { key: creatorKey })
  expect((await see(granted.id)).status).toBe(200)
  expect((await see(foreign.id)).status).toBe(404)
  const path = `/v1/consents/${foreign.id}/withdraw`
  expect((await world.call('POST', path, { key: creatorKey, body: { reason: 'x' } })).status).toBe(404)
  const listed = await world.call('GET', `/v1/consents?item=${other}`, { key: creatorKey })
  expect(readAnswer(listOf(consent), listed).data).toStrictEqual([])
})

test('lets a subject find and withdraw its own', async () => {
  const subjectKey = await world.keyOf({ tenant, role: 'creator', account: subjectAccount })
  const [one = ''] = await newItems(1, 'cr_other')
  const granted = await grant({ subject: subjectAccount, items: [one] })
  const listed = await world.call('GET', '/v1/consents', { key: subjectKey })
  expect(readAnswer(listOf(consent), listed).data).toStrictEqual([granted])
  const path = `/v1/consents/${granted.id}/withdraw`
  const withdrawn = await world.call('POST', path, { key: subjectKey, body: { reason: 'mine' } })
  expect(readAnswer(consent, withdrawn).status).toBe('withdrawn')
})

test('tells buyers and strangers nothing', async () => {
  const buyer = await world.keyOf({ tenant, role: 'developer', account: 'acct_01kqxq5t8r0000000000000004' })
  const stranger = await world.keyOf({ tenant: 'acct_01kqxq5t8r0000000000000005' })
  const [one = ''] = await newItems(1)
  const granted = await grant({ items: [one] })
  for (const other of [buyer, stranger]) {
    expect((await world.call('GET', `/v1/consents/${granted.id}`, { key: other })).status).toBe(404)
    for (const query of ['', `?item=${one}`, '?subject=person_1']) {
      const listed = await world.call('GET', `/v1/consents${query}`, { key: other })
      expect(readAnswer(listOf(consent), listed).data).toStrictEqual([])
    }
  }
  const seen = readAnswer(itemDetail, await world.call('GET', `/v1/items/${one}`, { key: buyer }))
  expect(seen.consents).toBeUndefined()
})
