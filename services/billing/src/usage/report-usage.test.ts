import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { auditIdOf } from '@tallystick/receipt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { eventIdOf } from './identify-reports.ts'
import { meterView } from './meter-schemas.ts'
import { usageView } from './usage-query.ts'
import { reportView, usageEventView } from './usage-schemas.ts'

const start = Date.parse('2026-03-10T12:34:56.789Z')
let world: BillingWorld
let key: string
let customer: string

beforeAll(async () => {
  world = await startBillingWorld({ entropy: { now: () => new Date(start) } })
  key = await world.keyOf({ tenant: 'acct_a' })
  customer = readAnswer(
    customerView,
    await world.post('/v1/customers', key, { reference: 'dev_1', time_zone: 'Europe/Berlin' }),
    201,
  ).id
  await world.post('/v1/meters', key, { name: 'tokens', metric: 'tokens', aggregation: 'sum' })
})
afterAll(() => world.close())

const event = (id: string, more: object = {}) => ({
  event_id: id,
  customer: 'dev_1',
  metric: 'tokens',
  quantity: '10',
  purpose: 'train',
  ...more,
})
const report = async (body: unknown, status = 201) =>
  readAnswer(reportView, await world.call('POST', '/v1/usage-reports', { key, body }), status)
const total = async (query = '') => {
  const path = `/v1/usage?meter=tokens&customer=dev_1${query}`
  return readAnswer(usageView, await world.call('GET', path, { key })).total
}

test('an event counts once, for ever; other content under its id is refused', async () => {
  const before = Number(await total())
  const [first] = (await report(event('once'))).data
  expect(first).toMatchObject({ status: 'accepted', event_id: 'once' })
  expect(first?.audit_id).toBe(auditIdOf('acct_a', eventIdOf(first?.id ?? '')))
  const again = await report(event('once', { customer, quantity: '10.000', dimensions: {} }))
  expect(again.data).toEqual([{ ...first, status: 'duplicate', first_status: 'accepted' }])
  const other = problemOf(
    await world.call('POST', '/v1/usage-reports', { key, body: event('once', { quantity: '11' }) }),
  )
  expect(other).toMatchObject({ status: 409, code: 'event_conflict' })
  expect(Number(await total())).toBe(before + 10)
})

test('a batch tells of each event, and one that is refused holds up no other', async () => {
  const before = Number(await total())
  world.rights.answer = ({ licenses }) =>
    licenses.includes('lic_revoked')
      ? { permitted: false, code: 'license_revoked' }
      : { permitted: true, code: 'license_active' }
  const answer = await report({
    events: [
      event('b1', { quantity: '1' }),
      event('b2', { license_id: 'lic_revoked', quantity: '100' }),
      event('b3', { success: false, quantity: '100' }),
      event('b4', { customer: 'nobody', quantity: '100' }),
      event('b1', { quantity: '1' }),
      event('b1', { quantity: '2' }),
      event('b5', { occurred_at: '2026-01-01T00:00:00Z', quantity: '100' }),
      event('b6', { occurred_at: '2026-03-10T12:41:00Z', quantity: '100' }),
      event('b7', { occurred_at: '2026-02-04T00:00:00Z', quantity: '4' }),
    ],
  })
  expect(answer.counts).toEqual({ accepted: 2, failed: 1, duplicate: 1, refused: 5 })
  expect(answer.data.map(({ status, error }) => [status, error?.code])).toEqual([
    ['accepted', undefined],
    ['refused', 'license_revoked'],
    ['failed', undefined],
    ['refused', 'reference_not_found'],
    ['duplicate', undefined],
    ['refused', 'event_conflict'],
    ['refused', 'validation_failed'],
    ['refused', 'validation_failed'],
    ['accepted', undefined],
  ])
  expect(answer.data.map(({ id }) => id !== undefined)).toEqual([
    true,
    true,
    true,
    false,
    true,
    false,
    false,
    false,
    true,
  ])
  expect(Number(await total())).toBe(before + 1)
  expect(Number(await total('&from=2026-02-01T00:00:00Z'))).toBe(before + 5)
  const kept = readAnswer(usageEventView, await world.call('GET', '/v1/usage-reports/b2', { key }))
  expect(kept).toMatchObject({ status: 'refused', refusal: 'license_revoked', quantity: '100' })
  expect(kept.effective_quantity).toBeUndefined()
  world.rights.answer = () => ({ permitted: true, code: 'license_active' })
})

test('every recorded event has its own receipt', async () => {
  const events = Array.from({ length: 700 }, (_, at) =>
    event(`r${at}`, { items: [`sha256:${String(at).padStart(64, '0')}`] }),
  )
  const { data } = await report({ events })
  const recorded = await until(() => {
    const found = world.recorded('acct_a').filter(({ kind }) => kind === 'usage.reported')
    const told = new Map(found.map((record) => [record.data?.['event_id'], record]))
    return events.every(({ event_id }) => told.has(event_id)) ? told : undefined
  })
  for (const { event_id, audit_id } of data)
    expect(auditIdOf('acct_a', recorded.get(event_id)?.event ?? '')).toBe(audit_id)
})

test('what cannot be read is refused with a pointer; a leap second is no moment of the API', async () => {
  const bad: [object, string][] = [
    [{ events: [event('x', { occurred_at: '2016-12-31T23:59:60Z' })] }, '/events/0/occurred_at'],
    [event('x', { quantity: '-1' }), '/quantity'],
    [event('x', { quantity: '1e3' }), '/quantity'],
    [event('x', { quantity: '0.0000000000001' }), '/quantity'],
    [event('x', { items: ['sha1:00'] }), '/items/0'],
    [event('x', { dimensions: { 'a.b': 'c' } }), '/dimensions/a.b'],
    [event('x', { surprise: 1 }), '/surprise'],
    [{ events: [] }, '/events'],
    [{ ...event('x'), events: [event('y')] }, '/event_id'],
    [{ customer: 'dev_1' }, '/event_id'],
    [event('x\u0000'), '/event_id'],
  ]
  for (const [body, pointer] of bad) {
    const problem = problemOf(await world.call('POST', '/v1/usage-reports', { key, body }))
    expect(problem.status).toBe(400)
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
  }
})

test('hostile names are only names', async () => {
  const names = ['__proto__', 'constructor', '../../etc', "'; DROP TABLE", '💥'.repeat(50), '%00', '{{7*7}}']
  const { data } = await report({
    events: names.map((name) =>
      event(name, { api_key: name, licenses: [name], purpose: name, dimensions: { tier: name } }),
    ),
  })
  expect(data.every(({ status }) => status === 'accepted')).toBe(true)
  for (const name of names) {
    const path = `/v1/usage-reports/${encodeURIComponent(name)}`
    const found = await world.call('GET', path, { key })
    expect([404, 200]).toContain(found.status)
    if (found.status === 200) expect(readAnswer(usageEventView, found).event_id).toBe(name)
  }
})

test("a developer's key reports and sees its own usage only", async () => {
  await world.post('/v1/customers', key, { reference: 'acct_dev' })
  const own = await world.keyOf({ tenant: 'acct_a', role: 'developer', account: 'acct_dev' })
  const { customer: _, ...mine } = event('own')
  const told = await world.call('POST', '/v1/usage-reports', { key: own, body: mine })
  expect(readAnswer(reportView, told, 201).counts.accepted).toBe(1)
  const others = await world.call('POST', '/v1/usage-reports', { key: own, body: event('not-own') })
  expect(problemOf(others)).toMatchObject({ status: 422, code: 'reference_not_found' })
  const seen = readAnswer(usageView, await world.call('GET', '/v1/usage?meter=tokens', { key: own }))
  expect(seen.total).toBe('10')
  expect((await world.call('GET', '/v1/usage?meter=tokens&customer=dev_1', { key: own })).status).toBe(404)
  expect((await world.call('GET', '/v1/usage-reports/once', { key: own })).status).toBe(404)
  const foreign = await world.keyOf({ tenant: 'acct_b' })
  expect((await world.call('GET', '/v1/usage-reports/once', { key: foreign })).status).toBe(404)
  expect((await world.call('GET', '/v1/usage?meter=tokens', { key: foreign })).status).toBe(404)
})

test('quantities are exact at every size', async () => {
  await world.post('/v1/meters', key, { name: 'exact', metric: 'exact', aggregation: 'sum' })
  const quantities = [
    '999999999999999999.999999999999',
    '9007199254740993',
    '0.000000000001',
    '0',
    '0.1',
    '0.2',
  ]
  const events = Array.from({ length: 600 }, (_, at) =>
    event(`q${at}`, { metric: 'exact', quantity: quantities[at % 6] }),
  )
  await report({ events })
  const seen = await world.call('GET', '/v1/usage?meter=exact&customer=dev_1', { key })
  // 100 × (999999999999999999.999999999999 + 9007199254740993 + 0.000000000001 + 0.3)
  expect(readAnswer(usageView, seen).total).toBe('100900719925474099330')
})

test('a meter counts what came before it, and every aggregation tells its own figure', async () => {
  const send = ['3', '8', '5'].map((quantity, at) =>
    event(`m${at}`, {
      metric: 'calls',
      quantity,
      model_id: at === 1 ? 'b' : 'a',
      occurred_at: `2026-03-10T1${at}:29:59.999Z`,
      dimensions: { country: at === 0 ? 'DE' : 'FR' },
    }),
  )
  await report({ events: send })
  const figures: Record<string, string> = {}
  for (const aggregation of ['count', 'sum', 'max', 'last', 'unique']) {
    const body = {
      name: `calls-${aggregation}`,
      metric: 'calls',
      aggregation,
      ...(aggregation === 'unique' && { field: 'model_id' }),
      group_by: ['dimensions.country'],
    }
    const made = readAnswer(meterView, await world.post('/v1/meters', key, body), 201)
    const found = await world.call('GET', `/v1/usage?meter=${made.id}&group_by=dimensions.country`, { key })
    const { total: all, data } = readAnswer(usageView, found)
    figures[aggregation] =
      `${all} ${data.map((row) => `${row.group['dimensions.country']} ${row.quantity}`).join(' ')}`
    const state = await world.call('GET', `/v1/meters/${made.id}`, { key })
    expect(readAnswer(meterView, state).status).toBe('active')
  }
  expect(figures).toEqual({
    count: '3 DE 1 FR 2',
    sum: '16 DE 3 FR 13',
    max: '8 DE 3 FR 8',
    last: '5 DE 3 FR 5',
    unique: '2 DE 1 FR 2',
  })
})

test('days and months are those of the customer', async () => {
  await world.post('/v1/meters', key, { name: 'days', metric: 'days', aggregation: 'sum' })
  const at = [
    '2026-02-28T22:59:59.999Z',
    '2026-02-28T23:00:00Z',
    '2026-03-01T22:59:59Z',
    '2026-03-01T23:00:00Z',
  ]
  await report({
    events: at.map((occurred_at, place) =>
      event(`d${place}`, { metric: 'days', occurred_at, quantity: String(10 ** place) }),
    ),
  })
  const rows = async (bucket: string) => {
    const path = `/v1/usage?meter=days&customer=dev_1&from=2026-02-20T00:00:00Z&bucket=${bucket}`
    const { data } = readAnswer(usageView, await world.call('GET', path, { key }))
    return data.map((row) => [row.from, row.quantity])
  }
  expect(await rows('month')).toEqual([
    ['2026-02-20T00:00:00.000Z', '1'],
    ['2026-02-28T23:00:00.000Z', '1110'],
  ])
  expect(await rows('day')).toEqual([
    ['2026-02-27T23:00:00.000Z', '1'],
    ['2026-02-28T23:00:00.000Z', '110'],
    ['2026-03-01T23:00:00.000Z', '1000'],
  ])
  const cut = await total('&from=2026-02-28T22:59:59.999Z&before=2026-02-28T23:00:00.001Z')
  expect(cut).toBe('0')
  const path =
    '/v1/usage?meter=days&customer=dev_1&from=2026-02-28T22:59:59.999Z&before=2026-02-28T23:00:00.001Z'
  expect(readAnswer(usageView, await world.call('GET', path, { key })).total).toBe('11')
})

test('a report that touches more figures than one commit may write is made in parts', async () => {
  await world.post('/v1/meters', key, {
    name: 'items',
    metric: 'items',
    aggregation: 'unique',
    field: 'item',
  })
  const item = (at: number) => `sha256:${String(at).padStart(64, '0')}`
  const events = Array.from({ length: 60 }, (_, at) =>
    event(`p${at}`, {
      metric: 'items',
      items: Array.from({ length: 100 }, (_, place) => item(at * 90 + place)),
    }),
  )
  const { counts } = await report({ events })
  expect(counts).toEqual({ accepted: 60, failed: 0, duplicate: 0, refused: 0 })
  expect((await report({ events })).counts.duplicate).toBe(60)
  const seen = await world.call('GET', '/v1/usage?meter=items&customer=dev_1', { key })
  expect(readAnswer(usageView, seen).total).toBe(String(59 * 90 + 100))
  // So is the page of events by which a later meter is built.
  const later = { name: 'items later', metric: 'items', aggregation: 'unique', field: 'item' }
  await world.post('/v1/meters', key, later)
  const built = await world.call('GET', '/v1/usage?meter=items%20later&customer=dev_1', { key })
  expect(readAnswer(usageView, built).total).toBe(String(59 * 90 + 100))
})
