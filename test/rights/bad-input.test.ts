import fc from 'fast-check'
import { hostileRequests } from '@tallystick/runtime/hostile-requests'
import type { HostileRequest } from '@tallystick/runtime/hostile-requests'
import { problemOf } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiOperation } from './api-document.ts'
import { everythingOf, receiptsCame } from './everything-of.ts'
import { furnish } from './furnish.ts'
import type { Holdings } from './furnish.ts'
import { missingId, requestTo } from './requests.ts'
import { startRightsWorld } from './rights-world.ts'
import type { Market, RightsWorld } from './rights-world.ts'

/** The services whose routes are tried. A service is one word. */
const services = new Set(['identity', 'licensing', 'billing'])

let world: RightsWorld
let market: Market
let holdings: Holdings
let before: Map<string, string>

beforeAll(async () => {
  world = await startRightsWorld()
  market = await world.found('A market', 'test')
  holdings = await furnish(world, market)
  await receiptsCame(world, market, holdings)
  before = await everythingOf(world, market, holdings)
})
afterAll(() => world.close())

const latest = (prefix: string) => [...(holdings.get(prefix) ?? [])].at(-1)

/** Routes that take a body from the marketplace's operator. */
const routes = () =>
  world.operations.filter(
    ({ name, hasBody, scope }) =>
      services.has(name.split('.')[0] ?? '') && hasBody && !['public', 'service', 'platform'].includes(scope),
  )

async function refused(
  operation: ApiOperation,
  { name, body, contentType = 'application/json', statuses, codes }: HostileRequest,
): Promise<string | undefined> {
  const { path } = requestTo(operation, latest)
  const response = await fetch(world.url + path, {
    method: operation.method,
    // As bytes: a string would bring a content type of its own.
    body: Buffer.from(body),
    headers: {
      authorization: `Bearer ${market.key}`,
      'idempotency-key': crypto.randomUUID(),
      ...(contentType !== null && { 'content-type': contentType }),
    },
  })
  const text = await response.text()
  const complaint = `${operation.name}, ${name}: ${response.status} ${text.slice(0, 300)}`
  if (!statuses.includes(response.status)) return complaint
  const { code, errors } = problemOf({
    status: response.status,
    headers: response.headers,
    text,
    json: JSON.parse(text),
  })
  const clear = codes.includes(code) && (code !== 'validation_failed' || (errors ?? []).length > 0)
  return clear ? undefined : complaint
}

test('hostile bodies are refused by every route', async () => {
  const complaints: string[] = []
  let cases = 0
  for (const [place, operation] of routes().entries()) {
    const { body = {} } = requestTo(operation, latest)
    const hostile = hostileRequests(body).filter(({ name, codes, statuses }) => {
      // A legal text may be as long.
      if (name === '100,000 characters as text') return false
      // What stands before the schema is the same code for every route: a few routes show it.
      if (codes.includes('validation_failed')) return true
      return place % 8 === 0 && (place === 0 || !statuses.includes(413))
    })
    cases += hostile.length
    const found = await Promise.all(hostile.map((one) => refused(operation, one)))
    complaints.push(...found.filter((one) => one !== undefined))
  }
  expect(complaints).toEqual([])
  expect(cases).toBeGreaterThan(1000)
})

/** A place in a body, with what stands there. */
interface Leaf {
  path: readonly string[]
  value: unknown
}

function leavesOf(value: unknown, path: readonly string[] = []): Leaf[] {
  if (typeof value !== 'object' || value === null) return [{ path, value }]
  const inner = Object.entries(value).flatMap(([name, child]) => leavesOf(child, [...path, name]))
  return path.length > 0 ? [{ path, value }, ...inner] : inner
}

function withValue(body: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value
  const copy: unknown = structuredClone(body)
  if (typeof copy !== 'object' || copy === null) return copy
  Reflect.set(copy, name, withValue(Reflect.get(copy, name), rest, value))
  return copy
}

/** A value of a type that nothing in the API takes where `value` stands. */
function wrongFor({ value }: Leaf): fc.Arbitrary<unknown> {
  const object = fc.dictionary(fc.constantFrom('$ne', '$gt', '$where', 'length', 'toString'), fc.anything(), {
    minKeys: 1,
  })
  const nested = fc.array(fc.array(fc.boolean(), { minLength: 1 }), { minLength: 1 })
  if (Array.isArray(value)) return fc.oneof(fc.boolean(), fc.integer(), object.filter(isJson))
  if (typeof value === 'object') return fc.oneof(fc.boolean(), fc.integer(), nested)
  return fc.oneof(nested, object.filter(isJson))
}

const isJson = (value: unknown) => JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value)

test('a wrong value anywhere in a body is pointed at', async () => {
  const places = routes().flatMap((operation) => {
    const { path, body = {} } = requestTo(operation, latest)
    return leavesOf(body).map((leaf) => ({ operation, path, body, leaf }))
  })
  const wrong = fc
    .constantFrom(...places)
    .chain((place) => wrongFor(place.leaf).map((value) => ({ ...place, value })))
  await fc.assert(
    fc.asyncProperty(wrong, async ({ operation, path, body, leaf, value }) => {
      const sent = withValue(body, leaf.path, value)
      const answer = await world.call(operation.method, path, { key: market.key, body: sent })
      const problem = problemOf(answer)
      expect([problem.status, problem.code]).toEqual([400, 'validation_failed'])
      const pointer = `/${leaf.path.join('/')}`
      const pointed = (problem.errors ?? []).map((error) => error.pointer)
      // A union of shapes is pointed at as a whole; what is wrong within the value, inside it.
      expect(pointed.some((one) => pointer.startsWith(one) || one.startsWith(pointer))).toBe(true)
    }),
    { numRuns: 300 },
  )
})

const sample = {
  creator_id: 'cr_123',
  buyer_id: 'dev_456',
  items: ['dataset_789'],
  pricing: { model: 'royalty', rate: 0.05 },
  terms: { duration_days: 365 },
}
const customer = missingId('cus')
const payment = missingId('pay')
const price = missingId('price')
const usage = { event_id: 'x', customer: 'dev_456', metric: 'tokens', quantity: '7', purpose: 'train' }
const flat = { model: 'flat', currency: 'USD', amount: 1 }
const hash = `sha256:${'a'.repeat(64)}`

test.each<[what: string, path: string, body: object, pointer: string]>([
  [
    'a share above one',
    '/v1/licenses',
    { ...sample, pricing: { model: 'royalty', rate: 1.01 } },
    '/pricing/rate',
  ],
  [
    'a negative rate',
    '/v1/licenses',
    { ...sample, pricing: { model: 'royalty', rate: '-0.1' } },
    '/pricing/rate',
  ],
  [
    'a rate with an exponent',
    '/v1/licenses',
    { ...sample, pricing: { model: 'royalty', rate: '1e-2' } },
    '/pricing/rate',
  ],
  ['an unknown model', '/v1/licenses', { ...sample, pricing: { model: 'gift' } }, '/pricing/model'],
  [
    'half a minor unit',
    '/v1/licenses',
    { ...sample, pricing: { model: 'subscription', amount: 9.5, interval: 'month' } },
    '/pricing/amount',
  ],
  [
    'money as text',
    '/v1/licenses',
    { ...sample, pricing: { model: 'subscription', amount: '9', interval: 'month' } },
    '/pricing/amount',
  ],
  ['an unknown currency', '/v1/licenses', { ...sample, currency: 'usd' }, '/currency'],
  [
    'a duration of no days',
    '/v1/licenses',
    { ...sample, terms: { duration_days: 0 } },
    '/terms/duration_days',
  ],
  [
    'a region in lower case',
    '/v1/licenses',
    { ...sample, terms: { region_restrictions: ['de'] } },
    '/terms/region_restrictions/0',
  ],
  [
    'an unknown use',
    '/v1/licenses',
    { ...sample, terms: { allowed_uses: ['steal'] } },
    '/terms/allowed_uses/0',
  ],
  ['a misspelt term', '/v1/licenses', { ...sample, terms: { exclusiv: true } }, '/terms/exclusiv'],
  ['no items', '/v1/licenses', { ...sample, items: [] }, '/items'],
  [
    '1,001 items',
    '/v1/licenses',
    { ...sample, items: Array.from({ length: 1001 }, (_, at) => `i${at}`) },
    '/items',
  ],
  ['a party with a line break', '/v1/licenses', { ...sample, buyer_id: 'dev\n456' }, '/buyer_id'],
  ['a party of 201 characters', '/v1/licenses', { ...sample, buyer_id: 'x'.repeat(201) }, '/buyer_id'],
  [
    'an end before the begin',
    '/v1/licenses',
    { ...sample, terms: {}, effective_from: '2030-01-02T00:00:00Z', effective_until: '2030-01-01T00:00:00Z' },
    '/effective_until',
  ],
  [
    'a begin on no day',
    '/v1/licenses',
    { ...sample, effective_from: '2030-02-30T00:00:00Z' },
    '/effective_from',
  ],
  ['another hash', '/v1/items', { hash: `md5:${'a'.repeat(32)}`, creators: ['cr_123'] }, '/hash'],
  ['a hash in capitals', '/v1/items', { hash: hash.toUpperCase(), creators: ['cr_123'] }, '/hash'],
  ['a hash cut short', '/v1/items', { hash: hash.slice(0, -1), creators: ['cr_123'] }, '/hash'],
  ['an item of nobody', '/v1/items', { hash, creators: [] }, '/creators'],
  [
    'an unknown purpose of a consent',
    '/v1/consents',
    { subject: 'p', purposes: ['sell'], items: [hash] },
    '/purposes/0',
  ],
  ['no items to decide on', '/v1/decisions', { items: [], purpose: 'train' }, '/items'],
  ['an unknown role', '/v1/accounts', { role: 'king', name: 'x' }, '/role'],
  ['an empty name', '/v1/accounts', { role: 'developer', name: '' }, '/name'],
  [
    'a country of three letters',
    '/v1/accounts',
    { role: 'developer', name: 'x', country: 'DEU' },
    '/country',
  ],
  ['no address', '/v1/accounts', { role: 'developer', name: 'x', email: 'nobody' }, '/email'],
  ['an unknown scope', '/v1/api-keys', { name: 'x', scopes: ['root'] }, '/scopes/0'],
  ['no scopes', '/v1/api-keys', { name: 'x', scopes: [] }, '/scopes'],
  [
    'an end in the past',
    '/v1/api-keys',
    { name: 'x', scopes: ['usage:read'], expires_at: '2001-01-01T00:00:00Z' },
    '/expires_at',
  ],
  ['a hold on two things', '/v1/legal-holds', { subject: 'x', item: hash, reason: 'y' }, ''],
  [
    'a policy for less than no days',
    '/v1/retention-policies',
    { kind: 'items', keep_days: -1, reason: 'x' },
    '/keep_days',
  ],
  [
    'a name in metadata that is an operator',
    '/v1/customers',
    { reference: 'x', metadata: { $where: 'x' } },
    '/metadata/$where',
  ],
  [
    'metadata of a draft with a control character',
    '/v1/invoices',
    { customer, lines: [{ description: 'x', amount: 1 }], metadata: { 'a\nb': 'x' } },
    '/metadata/a\nb',
  ],
  [
    'metadata that makes a type of a database',
    '/v1/payments/authorize',
    { customer, amount: 1, metadata: { _bsontype: 'Long' } },
    '/metadata/_bsontype',
  ],
  [
    'metadata of a price with an operator',
    '/v1/prices',
    { name: 'x', definition: flat, metadata: { $set: 'x' } },
    '/metadata/$set',
  ],
  [
    'a dimension that is an operator',
    '/v1/usage-reports',
    { ...usage, dimensions: { $gt: 'x' } },
    '/dimensions/$gt',
  ],
  [
    'a dimension with a dot',
    '/v1/usage-reports',
    { ...usage, dimensions: { 'a.b': 'x' } },
    '/dimensions/a.b',
  ],
  [
    'a dimension with a dot, in one of several events',
    '/v1/usage-reports',
    { events: [usage, { ...usage, event_id: 'y', dimensions: { 'a.b': 'x' } }] },
    '/events/1/dimensions/a.b',
  ],
  ['usage below nothing', '/v1/usage-reports', { ...usage, quantity: '-1' }, '/quantity'],
  ['usage with an exponent', '/v1/usage-reports', { ...usage, quantity: '1e9' }, '/quantity'],
  ['usage as a number', '/v1/usage-reports', { ...usage, quantity: 7 }, '/quantity'],
  [
    '1,001 events',
    '/v1/usage-reports',
    { events: Array.from({ length: 1001 }, (_, at) => ({ ...usage, event_id: `e${at}` })) },
    '/events',
  ],
  ['a hold of nothing', '/v1/payments/authorize', { customer, amount: 0 }, '/amount'],
  ['a hold of half a cent', '/v1/payments/authorize', { customer, amount: 0.5 }, '/amount'],
  ['a hold of more than all money', '/v1/payments/authorize', { customer, amount: 1e16 }, '/amount'],
  ['a negative refund', '/v1/payments/refund', { payment, amount: -1 }, '/amount'],
  ['credit that takes', '/v1/credit-grants', { customer, amount: -1 }, '/amount'],
  ['a currency of no country', '/v1/customers', { reference: 'x', currency: 'ZZZ' }, '/currency'],
  ['a currency without minor units', '/v1/customers', { reference: 'x', currency: 'XAU' }, '/currency'],
  ['a time zone of nowhere', '/v1/customers', { reference: 'x', time_zone: 'Mars/Base' }, '/time_zone'],
  [
    'a card that is none',
    '/v1/customers',
    { reference: 'x', payment_method: '4111 1111 1111 1112' },
    '/payment_method',
  ],
  ['a tax id with a line break', '/v1/customers', { reference: 'x', tax_id: 'DE\n1' }, '/tax_id'],
  [
    'a line that names two amounts',
    '/v1/invoices',
    { customer, lines: [{ description: 'x', amount: 1, unit_amount: '1' }] },
    '/lines/0',
  ],
  [
    'a price per unit below nothing',
    '/v1/prices',
    { name: 'x', definition: { model: 'per_unit', currency: 'USD', unit_amount: '-1' } },
    '/definition/unit_amount',
  ],
  [
    'an anchor on the 32nd',
    '/v1/subscriptions',
    { customer, items: [{ price }], anchor_day: 32 },
    '/anchor_day',
  ],
  ['no seats', '/v1/subscriptions', { customer, items: [{ price, quantity: 0 }] }, '/items/0/quantity'],
  ['a meter of nothing', '/v1/meters', { name: 'x', metric: 'tokens', aggregation: 'unique' }, '/field'],
  [
    'a meter grouped by an operator',
    '/v1/meters',
    { name: 'x', metric: 'tokens', aggregation: 'sum', group_by: ['dimensions.$x'] },
    '/group_by/0',
  ],
  ['an alert without a threshold', '/v1/usage-alerts', { customer: 'dev_456', meter: 'tokens' }, '/quantity'],
  ['a clock that shows no time', '/v1/test-clocks', { name: 'x', now: '2026-02-30T00:00:00Z' }, '/now'],
])('%s at %s is pointed at', async (_what, path, body, pointer) => {
  const problem = problemOf(await world.call('POST', path, { key: market.key, body }))
  expect([problem.status, problem.code]).toEqual([400, 'validation_failed'])
  expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
})

test('none of all that has changed anything', async () => {
  expect(Object.fromEntries(await everythingOf(world, market, holdings))).toEqual(Object.fromEntries(before))
})
