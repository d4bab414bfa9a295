import fc from 'fast-check'
import { Stripe } from 'stripe'
import { listOf } from '@tallystick/protocol'
import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Fault, StripeServer } from '../../test/stripe-server.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { meterView } from '../usage/meter-schemas.ts'
import { usageView } from '../usage/usage-query.ts'
import { reportView } from '../usage/usage-schemas.ts'
import { stripeMeterEvents } from './collections.ts'
import type { MeterEvent } from './collections.ts'
import { forwardMeterEvents } from './forward-meter-events.ts'
import { meterEventView, retryView } from './meter-event-schemas.ts'
import { stripeClient } from './stripe-client.ts'
import { startStripeWorld } from './stripe-world.ts'
import type { StripeWorld } from './stripe-world.ts'

const tenant = 'acct_meters'
const counting = 'POST /v1/billing/meter_events'
const canceling = 'POST /v1/billing/meter_event_adjustments'
const hourMs = 3_600_000
const faults: readonly Fault[] = [
  'request lost',
  'answer lost',
  '500 before',
  '500 after',
  'timeout before',
  'timeout after',
  '409',
  '429',
]

// Stripe would repeat the failure for a day, and refuse another asking: nothing tells what was done.
const tellable = faults.filter((one) => one !== '500 after')

let market: StripeWorld
let stripe: StripeServer
let rail: Stripe
/** Gives up waiting at once: for requests that are never answered. */
let hasty: Stripe
let world: BillingWorld
let key: string
let meter: string
let count = 0
/** Our customer and Stripe's; each test has its own. */
let customer: { reference: string; stripe: string }

beforeAll(async () => {
  const secrets = { STRIPE_TIMEOUT_MS: '5000', STRIPE_WEBHOOK_SECRET: 'whsec_local,whsec_thin' }
  market = await startStripeWorld(tenant, secrets)
  ;({ world, stripe, key } = market)
  const at = { key: 'sk_test_local', base: stripe.url }
  rail = stripeClient({ ...at, timeout: 20_000 })
  hasty = stripeClient({ ...at, timeout: 150 })
  stripe.books.meters.names.add('api_tokens')
  meter = await meterOf('tokens', { aggregation: 'sum' })
  await link(meter, 'api_tokens')
})
beforeEach(async () => {
  customer = await customerOf()
})
afterAll(async () => {
  expect(stripe.violations).toEqual([])
  await market.close()
})

async function meterOf(metric: string, more: object) {
  const answer = await world.post('/v1/meters', key, { name: `${metric} ${count++}`, metric, ...more })
  return readAnswer(meterView, answer, 201).id
}

const link = (id: string, event_name: string | null, as = key) =>
  world.post(`/v1/meters/${id}/stripe`, as, { event_name })

async function customerOf() {
  const reference = `dev_${count++}`
  const body = { reference, payment_method: stripe.card() }
  readAnswer(customerView, await world.post('/v1/customers', key, body), 201)
  return { reference, stripe: [...stripe.books.customers].at(-1) ?? '' }
}

async function report(event_id: string, quantity: string, more: object = {}) {
  const about = { event_id, customer: customer.reference, metric: 'tokens', purpose: 'train', quantity }
  const body = { ...about, occurred_at: new Date(market.time).toISOString(), ...more }
  const answer = await world.call('POST', '/v1/usage-reports', { key, body })
  return readAnswer(reportView, answer, 201).data[0]?.id ?? ''
}

const correct = (event: string, quantity?: string) =>
  world.post(`/v1/usage-reports/${event}/${quantity === undefined ? 'deprecate' : 'adjust'}`, key, {
    reason: 'wrong',
    ...(quantity !== undefined && { quantity }),
  })

/** Says of the meter event of a use that is unsure whether Stripe counts it. */
async function resolve(usage: string, counted: boolean) {
  const id = (await eventsOf(usage)).find(({ status }) => status === 'unsure')?.id ?? ''
  return world.post(`/v1/stripe-meter-events/${id}/resolve`, key, { counted })
}

async function eventsOf(usage: string): Promise<MeterEvent[]> {
  const { items } = await world.service.store.find(stripeMeterEvents.byEvent, { equals: [tenant, usage] })
  return items
}

/** Lets time pass until nothing is left to be told. */
async function settle({ stepMs = 20_000, by = rail } = {}): Promise<void> {
  for (let round = 0; round < 200; round++) {
    await forwardMeterEvents(world.service.deps, by)
    const due = await world.service.store.count(stripeMeterEvents.due, { equals: [] }, { atMost: 1 })
    if (due === 0) return
    market.time += stepMs
  }
  throw new Error('the meter events never settle')
}

async function notify(notification: object, secret = 'whsec_thin') {
  const payload = JSON.stringify(notification)
  const timestamp = Math.floor(market.time / 1000)
  const signature = await Stripe.webhooks.generateTestHeaderStringAsync({ payload, secret, timestamp })
  const headers = { 'stripe-signature': signature }
  return world.call('POST', '/v1/webhooks/stripe', { body: notification, headers })
}

const billed = () => stripe.books.meters.total('api_tokens', customer.stripe) / 1000
async function used(): Promise<number> {
  const path = `/v1/usage?meter=${meter}&customer=${customer.reference}&from=2026-03-01T00:00:00.000Z`
  const answer = await world.call('GET', `${path}&before=2026-06-01T00:00:00.000Z`, { key })
  return Number(readAnswer(usageView, answer).total)
}

async function listed(query: string, as = key) {
  const answer = await world.call('GET', `/v1/stripe-meter-events?${query}`, { key: as })
  return readAnswer(listOf(meterEventView), answer).data
}

describe('what a linked meter counts of a customer of Stripe', () => {
  it('is told there once, with its value and time, and nothing else is', async () => {
    const usage = await report(`a${count}`, '12.5')
    await report(`a${count}`, '12.5')
    await report(`b${count}`, '3', { success: false })
    await report(`c${count}`, '4', { metric: 'calls' })
    world.rights.answer = () => ({ permitted: false, code: 'license_revoked' })
    await report(`d${count}`, '5')
    world.rights.answer = () => ({ permitted: true, code: 'license_active' })
    await settle()
    const [told, ...others] = await eventsOf(usage)
    expect(others).toEqual([])
    expect(stripe.books.meters.events.filter(({ identifier }) => identifier === told?.id)).toMatchObject([
      {
        event_name: 'api_tokens',
        payload: { stripe_customer_id: customer.stripe, value: '12.5' },
        timestamp: Math.floor((told?.occurredAt.getTime() ?? 0) / 1000),
      },
    ])
    expect(billed()).toBe(12.5)
    expect(await used()).toBe(12.5)
  })

  it('is not told of those who are no customers of Stripe, nor after the link was ended', async () => {
    const reference = `plain_${count++}`
    await world.post('/v1/customers', key, { reference })
    expect(await eventsOf(await report(`e${count}`, '7', { customer: reference }))).toEqual([])
    const calls = await meterOf('calls', { aggregation: 'count' })
    stripe.books.meters.names.add('api_calls')
    expect((await link(calls, 'api_calls')).status).toBe(200)
    const linked = await report(`f${count}`, '7', { metric: 'calls' })
    expect(await eventsOf(linked)).toMatchObject([{ value: '1' }])
    expect(readAnswer(meterView, await link(calls, null)).stripe).toBeUndefined()
    expect(await eventsOf(await report(`g${count}`, '7', { metric: 'calls' }))).toEqual([])
    await settle()
    expect(stripe.books.meters.total('api_calls', customer.stripe)).toBe(1000)
  })

  it('is linked by operators, to what Stripe can count, one meter for each of theirs', async () => {
    const most = await meterOf('storage', { aggregation: 'max' })
    expect(problemOf(await link(most, 'storage'))).toMatchObject({ status: 409, code: 'invalid_state' })
    const twin = await meterOf('tokens', { aggregation: 'count' })
    expect(problemOf(await link(twin, 'api_tokens')).code).toBe('already_exists')
    const developer = await world.keyOf({ tenant, role: 'developer', account: customer.reference })
    expect((await link(meter, null, developer)).status).toBe(403)
    const path = '/v1/stripe-meter-events'
    expect((await world.call('GET', path, { key: developer })).status).toBe(403)
    const foreign = await world.keyOf({ tenant: 'acct_elsewhere' })
    expect((await link(meter, 'api_tokens', foreign)).status).toBe(404)
    expect(await listed('', foreign)).toEqual([])
  })
})

describe('whatever happens to a request', () => {
  it.each(faults)('Stripe counts a use once: %s', async (fault) => {
    stripe.fail(counting, fault)
    await report(`h${count}`, '2')
    await settle({ by: hasty })
    expect(billed()).toBe(2)
  })

  it('a use of which nobody can tell whether it was taken back is told to the operator', async () => {
    const usage = await report(`q${count}`, '2')
    await settle()
    stripe.fail(canceling, '500 after')
    await correct(`q${count}`, '5')
    await settle()
    expect((await eventsOf(usage)).map(({ status }) => status)).toEqual(['unsure', 'refused'])
    expect((await listed('status=unsure')).map((one) => one.usage)).toContain(usage)
    // Not told again by a retry, nor by a correction: only somebody who has looked at Stripe ends it.
    await world.post('/v1/stripe-meter-events/retry', key, { meter })
    await correct(`q${count}`, '7')
    await settle()
    expect(billed()).toBe(0)
    const answers = await Promise.all([resolve(usage, false), resolve(usage, false)])
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409'])
    await settle()
    expect(billed()).toBe(7)
    const statuses = (await eventsOf(usage)).map(({ status }) => status)
    expect(statuses.filter((status) => status !== 'canceled')).toEqual(['sent'])
  })

  it('a use that an operator says is counted is not told again, nor what was to take its place', async () => {
    const usage = await report(`s${count}`, '2')
    await settle()
    stripe.fail(canceling, '500 after')
    await correct(`s${count}`, '5')
    await settle()
    expect((await resolve(usage, true)).status).toBe(200)
    await settle()
    expect((await eventsOf(usage)).map(({ status }) => status)).toEqual(['standing', 'refused'])
    expect(billed()).toBe(0)
  })

  it.each(tellable)('Stripe takes a use back once, and counts what took its place: %s', async (fault) => {
    const usage = await report(`i${count}`, '2')
    await settle()
    stripe.fail(canceling, fault)
    await correct(`i${count}`, '5')
    await settle({ by: hasty })
    expect(billed()).toBe(5)
    expect((await eventsOf(usage)).map(({ status }) => status)).toEqual(['canceled', 'sent'])
  })

  it('a process that dies after the answer leaves what is told once', async () => {
    const usage = await report(`j${count}`, '2')
    const { deps } = world.service
    const [told] = await eventsOf(usage)
    if (!told) throw new Error('nothing is to be told')
    // The answer came, and nobody wrote it down.
    const { id: identifier, stripeCustomer, eventName: event_name, value } = told
    const timestamp = Math.floor(told.occurredAt.getTime() / 1000)
    const payload = { stripe_customer_id: stripeCustomer, value }
    await rail.billing.meterEvents.create({ event_name, identifier, timestamp, payload })
    await Promise.all([1, 2, 3].map(() => forwardMeterEvents(deps, rail)))
    await settle()
    expect(billed()).toBe(2)
    expect((await eventsOf(usage)).map(({ status }) => status)).toEqual(['sent'])
  })

  it('histories of reports and corrections come to the same at Stripe as here', async () => {
    const step = fc.record({
      kind: fc.constantFrom('report' as const, 'adjust' as const, 'deprecate' as const, 'forward' as const),
      quantity: fc.integer({ min: 0, max: 900 }).map((units) => String(units / 10)),
      pick: fc.nat(9),
      fault: fc.option(fc.constantFrom(...tellable.filter((one) => !one.startsWith('timeout'))), { freq: 2 }),
      route: fc.constantFrom(counting, canceling),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 14 }), async (steps) => {
        customer = await customerOf()
        const living: string[] = []
        for (const { kind, quantity, pick, fault, route } of steps) {
          if (fault) stripe.fail(route, fault)
          const chosen = living[pick % Math.max(1, living.length)]
          if (kind === 'report') {
            const event = `law${count++}`
            await report(event, quantity)
            living.push(event)
          } else if (kind === 'forward') await forwardMeterEvents(world.service.deps, rail)
          else if (chosen !== undefined) {
            await correct(chosen, kind === 'adjust' ? quantity : undefined)
            if (kind === 'deprecate') living.splice(living.indexOf(chosen), 1)
          }
          market.time += 3000
        }
        stripe.calm()
        await settle()
        expect(billed()).toBeCloseTo(await used(), 3)
      }),
      { numRuns: 5, endOnFailure: true },
    )
  }, 60_000)
})

describe('corrections', () => {
  it('before Stripe was asked leave nothing to take back', async () => {
    stripe.down = true
    const usage = await report(`k${count}`, '2')
    await correct(`k${count}`, '3')
    await correct(`k${count}`)
    stripe.down = false
    await settle()
    expect(billed()).toBe(0)
    expect((await eventsOf(usage)).every(({ status }) => status === 'canceled')).toBe(true)
  })

  it('that come after a day are not made at Stripe, which is told to the operator', async () => {
    const usage = await report(`l${count}`, '2')
    await settle()
    market.time += 25 * hourMs
    await correct(`l${count}`, '9')
    await settle()
    expect(billed()).toBe(2)
    expect(await eventsOf(usage)).toMatchObject([
      { status: 'standing', failure: { code: 'too_late' } },
      { status: 'refused', failure: { code: 'correction_not_possible' } },
    ])
    const ids = (await listed('status=standing')).map((one) => one.usage)
    expect(ids).toContain(usage)
    await until(() =>
      world
        .recorded(tenant)
        .find(({ kind, data }) => kind === 'stripe.meter_event_standing' && data?.['usage'] === usage),
    )
    // A later correction does not add to what stands either.
    await correct(`l${count}`, '4')
    await settle()
    expect(billed()).toBe(2)
  })
})

describe('what Stripe does not take', () => {
  it('is refused, told, and told again when it is in order', async () => {
    const calls = await meterOf('searches', { aggregation: 'sum' })
    await link(calls, 'api_searches')
    const usage = await report(`m${count}`, '6', { metric: 'searches' })
    await settle()
    expect(await listed(`meter=${calls}`)).toMatchObject([
      { usage, status: 'refused', failure: { code: 'no_meter' }, value: '6' },
    ])
    stripe.books.meters.names.add('api_searches')
    const answer = await world.post('/v1/stripe-meter-events/retry', key, { meter: calls })
    expect(readAnswer(retryView, answer)).toMatchObject({ retried: 1, has_more: false })
    await settle()
    expect(await listed(`meter=${calls}&status=sent`)).toHaveLength(1)
    expect(stripe.books.meters.total('api_searches', customer.stripe)).toBe(6000)
  })

  it('when it comes to count what it took is told by a notification, believed only from Stripe', async () => {
    const usage = await report(`r${count}`, '6')
    await settle()
    const [sent] = await eventsOf(usage)
    const id = `evt_report_${count++}`
    const notification = stripe.books.meters.report(id, sent?.id ?? '')
    expect((await notify(notification, 'whsec_other')).status).toBe(400)
    expect(await eventsOf(usage)).toMatchObject([{ status: 'sent' }])
    stripe.down = true
    expect((await notify(notification)).status).toBe(503)
    stripe.down = false
    expect((await notify({ ...notification, livemode: true })).text).toContain('ignored')
    expect((await notify(notification)).text).toContain('recorded')
    expect((await notify(notification)).text).toContain('duplicate')
    expect(await eventsOf(usage)).toMatchObject([
      { status: 'refused', failure: { code: 'meter_event_customer_not_found' } },
    ])
    await world.post('/v1/stripe-meter-events/retry', key, { meter })
    await settle()
    expect(billed()).toBe(6)
  })

  it('for its digits or its age is never rounded or moved', async () => {
    const long = await report(`n${count}`, '123456789012345.6')
    const old = await report(`o${count}`, '1', {
      occurred_at: new Date(market.time - 34.99 * 24 * hourMs).toISOString(),
    })
    market.time += hourMs
    await settle()
    expect(await eventsOf(long)).toMatchObject([{ failure: { code: 'value_too_many_digits' } }])
    expect(await eventsOf(old)).toMatchObject([{ failure: { code: 'timestamp_too_far_in_past' } }])
    expect(billed()).toBe(0)
  })

  it('for a day is not asked again, lest it count twice', async () => {
    const usage = await report(`p${count}`, '2')
    stripe.fail(counting, 'answer lost')
    await forwardMeterEvents(world.service.deps, rail)
    await until(() => (billed() === 2 ? true : undefined))
    stripe.down = true
    await settle({ stepMs: hourMs })
    stripe.down = false
    expect(await eventsOf(usage)).toMatchObject([{ status: 'unsure', failure: { code: 'never_answered' } }])
    await settle()
    expect(billed()).toBe(2)
    expect((await resolve(usage, true)).status).toBe(200)
    await settle()
    expect(await eventsOf(usage)).toMatchObject([{ status: 'sent' }])
    expect(billed()).toBe(2)
  })

  it('for a day is told again once an operator says that it is not counted, and not where it was deprecated', async () => {
    stripe.down = true
    const [lost, wrong] = [await report(`t${count}`, '2'), await report(`u${count}`, '4')]
    await settle({ stepMs: hourMs })
    stripe.down = false
    await correct(`u${count}`)
    for (const usage of [lost, wrong]) {
      expect(await eventsOf(usage)).toMatchObject([{ status: 'unsure' }])
      expect((await resolve(usage, false)).status).toBe(200)
    }
    await settle()
    expect(billed()).toBe(2)
    expect((await eventsOf(wrong)).map(({ status }) => status)).toEqual(['canceled'])
  })
})
