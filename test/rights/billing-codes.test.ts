import { problemOf } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { billingOwnCodes } from './billing-own-codes.ts'
import { putMeterEvent } from './put-meter-event.ts'
import { missingId, requestTo } from './requests.ts'
import { startRightsWorld } from './rights-world.ts'
import type { Market, RightsWorld } from './rights-world.ts'

let world: RightsWorld
let market: Market
beforeAll(async () => {
  world = await startRightsWorld()
  market = await world.found('A market', 'test')
})
afterAll(() => world.close())

const post = (path: string, body: object = {}, key = market.key) => world.call('POST', path, { key, body })
const get = (path: string) => world.call('GET', path, { key: market.key })

async function make(path: string, body: object = {}): Promise<string> {
  const { json, status, text } = await post(path, body)
  const id: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'id') : undefined
  if (status >= 300 || typeof id !== 'string') throw new Error(`${path}: ${status} ${text}`)
  return id
}

type Refusal = [operation: string, code: string, ask: () => Promise<HttpAnswer>]

async function ofInvoices(bare: string): Promise<Refusal[]> {
  const draft = await make('/v1/invoices', { customer: bare, lines: [{ description: 'Work', amount: 500 }] })
  const open = await make('/v1/invoices', { customer: bare, lines: [{ description: 'Work', amount: 500 }] })
  await make(`/v1/invoices/${open}/finalize`)
  const grant = await make('/v1/credit-grants', { customer: bare, amount: 5 })
  await make(`/v1/credit-grants/${grant}/void`)
  const note = { amount: 1, reason: 'x' }
  return [
    ['invoices.update', 'invalid_state', () => post(`/v1/invoices/${open}`, { footer: 'x' })],
    ['invoices.finalize', 'invalid_state', () => post(`/v1/invoices/${open}/finalize`)],
    ['invoices.pay', 'invalid_state', () => post(`/v1/invoices/${open}/pay`)],
    ['invoices.void', 'invalid_state', () => post(`/v1/invoices/${draft}/void`)],
    ['invoices.markUncollectible', 'invalid_state', () => post(`/v1/invoices/${draft}/mark-uncollectible`)],
    ['invoices.list', 'not_found', () => get(`/v1/invoices?customer=${missingId('cus')}`)],
    ['creditNotes.issue', 'invalid_state', () => post(`/v1/invoices/${draft}/credit-notes`, note)],
    ['creditNotes.list', 'not_found', () => get(`/v1/credit-notes?invoice=${missingId('inv')}`)],
    ['credits.void', 'invalid_state', () => post(`/v1/credit-grants/${grant}/void`)],
  ]
}

async function ofPayments(customer: string, bare: string): Promise<Refusal[]> {
  const held = await make('/v1/payments/authorize', { customer, amount: 500 })
  const captured = await make('/v1/payments/authorize', { customer, amount: 500 })
  await make('/v1/payments/capture', { payment: captured })
  const invoice = missingId('inv')
  return [
    [
      'payments.authorize',
      'invalid_state',
      () => post('/v1/payments/authorize', { customer: bare, amount: 5 }),
    ],
    [
      'payments.authorize',
      'reference_not_found',
      () => post('/v1/payments/authorize', { customer, invoice }),
    ],
    ['payments.capture', 'invalid_state', () => post('/v1/payments/capture', { payment: captured })],
    ['payments.void', 'invalid_state', () => post('/v1/payments/void', { payment: captured })],
    ['payments.confirm', 'invalid_state', () => post('/v1/payments/confirm', { payment: captured })],
    ['payments.refund', 'invalid_state', () => post('/v1/payments/refund', { payment: held, amount: 1 })],
    ['payments.list', 'not_found', () => get(`/v1/payments?customer=${missingId('cus')}`)],
    [
      'customers.create',
      'reference_not_found',
      () => post('/v1/customers', { reference: 'x', test_clock: missingId('clock') }),
    ],
    ['customers.create', 'already_exists', () => post('/v1/customers', { reference: 'dev_456' })],
  ]
}

async function ofSubscriptions(customer: string): Promise<Refusal[]> {
  const definition = { model: 'flat', currency: 'USD', amount: 100 }
  const price = await make('/v1/prices', { name: 'Access', definition })
  const items = [{ price }]
  const ended = await make('/v1/subscriptions', { customer, items, trial_days: 0 })
  await make(`/v1/subscriptions/${ended}/cancel`, { when: 'now' })
  const live = await make('/v1/subscriptions', { customer, items, trial_days: 0 })
  const path = `/v1/subscriptions/${ended}`
  const plan = missingId('plan')
  const stranger = await world.found('Another market', 'live')
  const clock = { name: 'x', now: '2026-02-01T00:00:00.000Z' }
  return [
    ['subscriptions.change', 'invalid_state', () => post(`${path}/change`, { items })],
    ['subscriptions.change', 'reference_not_found', () => post(`/v1/subscriptions/${live}/change`, { plan })],
    ['subscriptions.pause', 'invalid_state', () => post(`${path}/pause`)],
    ['subscriptions.resume', 'invalid_state', () => post(`${path}/resume`)],
    ['subscriptions.cancel', 'invalid_state', () => post(`${path}/cancel`)],
    ['subscriptions.list', 'not_found', () => get(`/v1/subscriptions?customer=${missingId('cus')}`)],
    ['testClocks.advance', 'invalid_state', () => advanceToSeveral(clock)],
    ['testClocks.create', 'invalid_state', () => post('/v1/test-clocks', clock, stranger.key)],
  ]
}

/** Sends a clock to several times at once: while it is on its way to one, it cannot be sent to another. */
async function advanceToSeveral(clock: object): Promise<HttpAnswer> {
  const days = ['02', '03', '04', '05', '06', '07', '08', '09']
  for (let round = 1; ; round++) {
    const path = `/v1/test-clocks/${await make('/v1/test-clocks', clock)}/advance`
    const answers = await Promise.all(days.map((day) => post(path, { to: `2026-02-${day}T00:00:00.000Z` })))
    const [last] = answers
    const refused = answers.find(({ status }) => status === 409)
    if (refused) return refused
    if (last && round === 20) return last
  }
}

async function ofUsage(): Promise<Refusal[]> {
  const meter = await make('/v1/meters', { name: 'tokens', metric: 'tokens', aggregation: 'sum' })
  const unused = await make('/v1/meters', { name: 'unused', metric: 'calls', aggregation: 'sum' })
  await make(`/v1/meters/${unused}/archive`)
  const sent = await putMeterEvent(world.dataDirectory, market.tenant, 'sent')
  const definition = { model: 'per_unit', currency: 'USD', unit_amount: '0.001' }
  await make('/v1/prices', { name: 'Tokens', definition, meter })
  const event = { event_id: 'one', customer: 'dev_456', metric: 'tokens', quantity: '7', purpose: 'train' }
  // Without a license it is recorded as refused.
  await post('/v1/usage-reports', event)
  await make('/v1/customers', { reference: 'watched' })
  const alert = { customer: 'watched', meter: 'tokens', quantity: '5' }
  const other = { ...event, event_id: 'two', customer: 'nobody' }
  const changed = { reason: 'x' }
  return [
    ['alerts.create', 'not_found', () => post('/v1/usage-alerts', { ...alert, customer: 'nobody' })],
    ['alerts.create', 'reference_not_found', () => post('/v1/usage-alerts', { ...alert, meter: 'nothing' })],
    [
      'alerts.create',
      'invalid_state',
      async () => {
        for (let made = 0; made < 20; made++) await make('/v1/usage-alerts', alert)
        return post('/v1/usage-alerts', alert)
      },
    ],
    ['alerts.list', 'not_found', () => get('/v1/usage-alerts?customer=nobody')],
    [
      'meters.create',
      'already_exists',
      () => post('/v1/meters', { name: 'tokens', metric: 'tokens', aggregation: 'sum' }),
    ],
    ['meters.archive', 'invalid_state', () => post(`/v1/meters/${meter}/archive`)],
    [
      'stripeMeterEvents.resolve',
      'invalid_state',
      () => post(`/v1/stripe-meter-events/${sent}/resolve`, { counted: true }),
    ],
    ['stripeMeterEvents.link', 'invalid_state', () => linkTo(unused)],
    ['stripeMeterEvents.link', 'not_found', () => linkTo(missingId('meter'))],
    ['stripeMeterEvents.link', 'already_exists', () => linkTwice(meter)],
    [
      'stripeMeterEvents.retry',
      'not_found',
      () => post('/v1/stripe-meter-events/retry', { meter: missingId('meter') }),
    ],
    ['meters.rebuild', 'invalid_state', () => post(`/v1/meters/${unused}/rebuild`)],
    [
      'meters.create',
      'invalid_state',
      async () => {
        const like = { metric: 'tokens', aggregation: 'count' }
        for (let made = 1; made < 100; made++) await make('/v1/meters', { ...like, name: `m${made}` })
        return post('/v1/meters', { ...like, name: 'one too many' })
      },
    ],
    ['usage.report', 'event_conflict', () => post('/v1/usage-reports', { ...event, quantity: '8' })],
    ['usage.report', 'reference_not_found', () => post('/v1/usage-reports', other)],
    ['usage.list', 'not_found', () => get('/v1/usage-reports?customer=nobody')],
    ['usage.query', 'not_found', () => get('/v1/usage?meter=nothing')],
    [
      'usage.adjust',
      'invalid_state',
      () => post('/v1/usage-reports/one/adjust', { ...changed, quantity: '1' }),
    ],
    ['usage.deprecate', 'invalid_state', () => post('/v1/usage-reports/one/deprecate', changed)],
    ['usage.get', 'not_found', () => get('/v1/usage-reports/nothing')],
    [
      'usage.adjust',
      'not_found',
      () => post('/v1/usage-reports/nothing/adjust', { ...changed, quantity: '1' }),
    ],
    ['usage.deprecate', 'not_found', () => post('/v1/usage-reports/nothing/deprecate', changed)],
    ['usage.report', 'usage_cap_reached', () => reportBeyondCap(event)],
  ]
}

const linkTo = (meter: string) => post(`/v1/meters/${meter}/stripe`, { event_name: 'tokens' })

/** Links a second meter to what the first one tells. */
async function linkTwice(meter: string): Promise<HttpAnswer> {
  const twin = await make('/v1/meters', { name: 'twin', metric: 'tokens', aggregation: 'count' })
  await linkTo(meter)
  const answer = await linkTo(twin)
  await make(`/v1/meters/${twin}/archive`)
  return answer
}

/** Reports more than a cap allows, under a license that permits it. */
async function reportBeyondCap(event: object): Promise<HttpAnswer> {
  await make('/v1/customers', { reference: 'held' })
  await make('/v1/usage-alerts', { customer: 'held', kind: 'cap', meter: 'tokens', quantity: '5' })
  const license = await make('/v1/licenses', {
    creator_id: 'cr_123',
    buyer_id: 'held',
    items: ['dataset_789'],
    pricing: { model: 'royalty', rate: 0.05 },
    terms: { duration_days: 365 },
  })
  await make(`/v1/licenses/${license}/accept`)
  return post('/v1/usage-reports', { ...event, event_id: 'three', customer: 'held', license_id: license })
}

test('billing gives each refusal of its own that it documents, and no other', async () => {
  const customer = await make('/v1/customers', {
    reference: 'dev_456',
    payment_method: '4242 4242 4242 4242',
  })
  const bare = await make('/v1/customers', { reference: 'bare' })
  const refusals = [
    ...(await ofInvoices(bare)),
    ...(await ofPayments(customer, bare)),
    ...(await ofSubscriptions(customer)),
    ...(await ofUsage()),
  ]
  const wrong: string[] = []
  const given = new Set<string>()
  for (const [operation, code, ask] of refusals) {
    const answer = await ask()
    const got = answer.status < 400 ? `${answer.status}` : problemOf(answer).code
    if (got !== code) wrong.push(`${operation}: ${got} and not ${code}: ${answer.text.slice(0, 200)}`)
    given.add(`billing.${operation}: ${code}`)
  }
  const billing = world.operations.filter(({ name }) => name.startsWith('billing.'))
  for (const operation of billing.filter(({ idFields }) => idFields.length > 0)) {
    const { path, body } = requestTo(operation, () => undefined)
    const answer = await world.call(operation.method, path, { key: market.key, body })
    if (answer.status >= 400) given.add(`${operation.name}: ${problemOf(answer).code}`)
  }
  const documented = billing.flatMap(({ name, codes }) => [...codes.keys()].map((code) => `${name}: ${code}`))
  const own = (one: string) => billingOwnCodes.has(one.split(': ')[1] ?? '')
  expect(wrong).toEqual([])
  expect([...given].filter(own).toSorted()).toEqual(documented.filter(own).toSorted())
})
