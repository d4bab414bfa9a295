import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { hash } from 'node:crypto'
import { dataset, item, itemDetail, itemOutcomes, listOf } from '@tallystick/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLicensingWorld } from '../licensing-world.ts'
import type { LicensingWorld } from '../licensing-world.ts'

const tenant = 'acct_01kqxq5t8r0000000000000000'
const creatorAccount = 'acct_01kqxq5t8r0000000000000001'
let world: LicensingWorld
let key: string
let creatorKey: string

beforeAll(async () => {
  world = await startLicensingWorld()
  key = await world.keyOf({ tenant })
  creatorKey = await world.keyOf({ tenant, role: 'creator', account: creatorAccount })
  world.nameAccount(tenant, creatorAccount, 'cr_own')
})
afterAll(() => world.close())

let made = 0
const hashOf = (text: string) => `sha256:${hash('sha256', text)}`
const fresh = (count: number) => Array.from({ length: count }, () => hashOf(`item ${made++}`))

async function newDataset(fields: object = {}) {
  const body = { name: 'Streets', creators: ['cr_1'], ...fields }
  return readAnswer(dataset, await world.call('POST', '/v1/datasets', { key, body }), 201)
}

async function total(id: string): Promise<number> {
  return readAnswer(dataset, await world.call('GET', `/v1/datasets/${id}`, { key })).items
}

async function batch(items: object[], as = key) {
  return readAnswer(itemOutcomes, await world.call('POST', '/v1/items/batch', { key: as, body: { items } }))
}

test('creates a dataset, changes it, and tells both by their digests', async () => {
  const made = await newDataset({ reference: 'streets', metadata: { camera: 'a' } })
  expect(made).toMatchObject({ object: 'dataset', livemode: false, consent_required: true, items: 0 })
  const body = { prohibited_uses: ['train'] }
  const changed = readAnswer(dataset, await world.call('POST', `/v1/datasets/${made.id}`, { key, body }))
  expect(changed).toStrictEqual({ ...made, prohibited_uses: ['train'] })
  expect(readAnswer(dataset, await world.call('GET', `/v1/datasets/${made.id}`, { key }))).toStrictEqual(
    changed,
  )
  const event = await until(() => world.recorded(tenant).find(({ kind }) => kind === 'dataset.updated'))
  const created = world.recorded(tenant).find(({ kind }) => kind === 'dataset.created')
  const change = (one: typeof event | undefined) => one?.data?.['change'] as Record<string, string>
  expect(change(event)['before']).toBe(change(created)['after'])
  expect(event.actor).toBe(tenant)
})

test('makes one dataset of a request that is sent again with its idempotency key', async () => {
  const sent = { key, body: { name: 'Once', creators: ['cr_1'] }, headers: { 'idempotency-key': 'once-1' } }
  const answers = [
    await world.call('POST', '/v1/datasets', sent),
    await world.call('POST', '/v1/datasets', sent),
  ]
  const [first, second] = answers.map((answer) => readAnswer(dataset, answer, 201))
  expect(second).toStrictEqual(first)
  expect(answers[1]?.headers.get('idempotent-replayed')).toBe('true')
})

test('gives a reference to one dataset only, even in a race', async () => {
  const body = { name: 'Race', creators: ['cr_1'], reference: 'race' }
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => world.call('POST', '/v1/datasets', { key, body })),
  )
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 201).length).toBe(1)
  expect(statuses.filter((status) => status === 409).length).toBe(7)
})

test('registers an item once and finds it by id and by hash', async () => {
  const [one = ''] = fresh(1)
  const { id } = await newDataset({ prohibited_uses: ['inference'], consent_required: false })
  const body = { hash: one, dataset: id, reference: 'a.png' }
  const registered = readAnswer(item, await world.call('POST', '/v1/items', { key, body }), 201)
  expect(registered).toMatchObject({ creators: ['cr_1'], consent_required: false, dataset: id })
  const again = await world.call('POST', '/v1/items', { key, body })
  expect(readAnswer(item, again, 201)).toStrictEqual(registered)
  expect(await total(id)).toBe(1)
  for (const name of [registered.id, one]) {
    const found = readAnswer(itemDetail, await world.call('GET', `/v1/items/${name}`, { key }))
    expect(found).toStrictEqual({ ...registered, offers: [], consents: [] })
  }
  const other = { ...body, dataset: (await newDataset()).id }
  expect(problemOf(await world.call('POST', '/v1/items', { key, body: other })).code).toBe('already_exists')
  const owned = { ...body, creators: ['cr_2'] }
  expect(problemOf(await world.call('POST', '/v1/items', { key, body: owned })).code).toBe('already_exists')
})

test('changes an item and keeps what is left out', async () => {
  const [one = ''] = fresh(1)
  const body = { hash: one, creators: ['cr_1'], metadata: { a: 'b' } }
  const before = readAnswer(item, await world.call('POST', '/v1/items', { key, body }), 201)
  const change = { prohibited_uses: ['train'], consent_required: false }
  const after = readAnswer(item, await world.call('POST', `/v1/items/${one}`, { key, body: change }))
  expect(after).toStrictEqual({ ...before, ...change })
})

test('tells for each item of a batch what became of it', async () => {
  const [a = '', b = '', c = ''] = fresh(3)
  const { id } = await newDataset()
  await batch([{ hash: a, dataset: id }])
  const answer = await batch([
    { hash: a, dataset: id },
    { hash: b, dataset: id },
    { hash: b, dataset: id },
    { hash: b, creators: ['cr_9'] },
    { hash: c },
    { hash: c, dataset: 'no such' },
  ])
  expect(answer.data.map((one) => (one.status === 'refused' ? one.error.code : one.status))).toStrictEqual([
    'duplicate',
    'registered',
    'duplicate',
    'already_exists',
    'validation_failed',
    'reference_not_found',
  ])
  expect(answer).toMatchObject({ registered: 1, duplicates: 2, refused: 3 })
  expect(await total(id)).toBe(2)
})

test('takes 10,000 items at once, promises receipts for all, and refuses one more', async () => {
  const { id } = await newDataset()
  const items = fresh(10_000).map((one, index) => ({ hash: one, dataset: id, reference: `f/${index}.png` }))
  const answer = await batch(items)
  expect(answer.registered).toBe(10_000)
  expect(await total(id)).toBe(10_000)
  const again = await batch(items)
  expect(again.duplicates).toBe(10_000)
  expect(await total(id)).toBe(10_000)
  const told = () =>
    world
      .recorded(tenant)
      .filter((one) => JSON.stringify(one.data) === JSON.stringify({ datasets: [id] }))
      .flatMap((one) => one.items)
  await until(() => told().length === 10_000 || undefined)
  expect(new Set(told())).toStrictEqual(new Set(items.map((one) => one.hash)))
  const tooMany = { items: [...items, { hash: items[0]?.hash, dataset: id }] }
  expect((await world.call('POST', '/v1/items/batch', { key, body: tooMany })).status).toBe(400)
})

test('counts exactly when batches with the same items race', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(30), { minLength: 1, maxLength: 40 }), { minLength: 2, maxLength: 5 }),
      async (requests) => {
        const { id } = await newDataset()
        const pool = fresh(31)
        const answers = await Promise.all(
          requests.map((wanted) => batch(wanted.map((index) => ({ hash: pool[index], dataset: id })))),
        )
        const distinct = new Set(requests.flat()).size
        expect(answers.reduce((sum, one) => sum + one.registered, 0)).toBe(distinct)
        expect(answers.reduce((sum, one) => sum + one.refused, 0)).toBe(0)
        expect(await total(id)).toBe(distinct)
      },
    ),
    { numRuns: 10 },
  )
})

test('walks lists both ways', async () => {
  const { id } = await newDataset()
  const wanted = fresh(25)
  for (const one of wanted) await batch([{ hash: one, dataset: id }])
  const seen: string[] = []
  let cursor = ''
  do {
    const url = `/v1/items?dataset=${id}&limit=7${cursor}`
    const page = readAnswer(listOf(item), await world.call('GET', url, { key }))
    seen.push(...page.data.map((one) => one.hash))
    cursor = page.next_cursor === undefined ? '' : `&starting_after=${page.next_cursor}`
  } while (cursor !== '')
  expect(seen.length).toBe(25)
  expect(new Set(seen)).toStrictEqual(new Set(wanted))
})

test('shows a creator its own under both of its names, each once, and nobody else anything', async () => {
  const mine = [creatorAccount, 'cr_own', [creatorAccount, 'cr_own'], 'cr_own', creatorAccount].map((names) =>
    [names].flat(),
  )
  const ids: string[] = []
  for (const creators of mine) ids.push((await newDataset({ creators })).id)
  const others = await newDataset({ creators: ['cr_other'] })
  const seen: string[] = []
  let cursor = ''
  do {
    const answer = await world.call('GET', `/v1/datasets?limit=2${cursor}`, { key: creatorKey })
    const page = readAnswer(listOf(dataset), answer)
    seen.push(...page.data.map((one) => one.id))
    cursor = page.next_cursor === undefined ? '' : `&starting_after=${page.next_cursor}`
  } while (cursor !== '')
  expect(seen).toStrictEqual(ids.toReversed())

  const hidden = problemOf(await world.call('GET', `/v1/datasets/${others.id}`, { key: creatorKey }))
  const absent = problemOf(
    await world.call('GET', '/v1/datasets/ds_01kqxq5t8r0000000000000009', { key: creatorKey }),
  )
  const { instance, request_id } = absent
  expect({ ...hidden, instance, request_id }).toStrictEqual(absent)
  const listed = await world.call('GET', '/v1/datasets?creator=cr_other', { key: creatorKey })
  expect(readAnswer(listOf(dataset), listed).data).toStrictEqual([])
})

test('keeps a creator from registering for others', async () => {
  const [one = ''] = fresh(1)
  const others = await newDataset({ creators: ['cr_other'] })
  const answer = await batch(
    [
      { hash: one, creators: ['cr_other'] },
      { hash: one, dataset: others.id },
      { hash: one, creators: ['cr_own'] },
    ],
    creatorKey,
  )
  expect(answer.data.map(({ status }) => status)).toStrictEqual(['refused', 'refused', 'registered'])
  const body = { name: 'x', creators: ['cr_other'] }
  const refused = problemOf(await world.call('POST', '/v1/datasets', { key: creatorKey, body }))
  expect(refused.errors).toMatchObject([{ pointer: '/creators' }])
  const change = { name: 'y' }
  const path = `/v1/datasets/${others.id}`
  expect((await world.call('POST', path, { key: creatorKey, body: change })).status).toBe(404)
})

test.each(['developer', 'auditor'] as const)('lets a %s read and change nothing', async (role) => {
  const reader = await world.keyOf({ tenant, role, account: 'acct_01kqxq5t8r0000000000000002' })
  const [one = ''] = fresh(1)
  const { id } = await newDataset()
  const body = { hash: one, dataset: id }
  expect((await world.call('POST', '/v1/items', { key: reader, body })).status).toBe(403)
  expect((await world.call('POST', '/v1/items', { key, body })).status).toBe(201)
  expect((await world.call('GET', `/v1/items/${one}`, { key: reader })).status).toBe(200)
})

test('keeps tenants apart: the same content is another item, and nothing of it can be seen', async () => {
  const stranger = await world.keyOf({ tenant: 'acct_01kqxq5t8r0000000000000005' })
  const [one = ''] = fresh(1)
  const { id } = await newDataset({ reference: 'apart' })
  const body = { hash: one, dataset: id }
  const registered = readAnswer(item, await world.call('POST', '/v1/items', { key, body }), 201)
  for (const path of [`/v1/items/${one}`, `/v1/items/${registered.id}`, `/v1/datasets/${id}`])
    expect((await world.call('GET', path, { key: stranger })).status).toBe(404)
  for (const dataset of [id, 'apart'])
    expect((await batch([{ hash: one, dataset }], stranger)).refused).toBe(1)
  expect((await batch([{ hash: one, creators: ['cr_1'] }], stranger)).registered).toBe(1)
})
