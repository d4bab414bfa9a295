import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { checkBooks } from '../invoices/check-books.ts'
import { invoiceView } from '../invoices/invoice-schemas.ts'
import { resolvePayments } from '../payments/resolve-payments.ts'
import { collectInvoice } from './collect-invoice.ts'
import { run } from './run-dunning.ts'

const good = '4242 4242 4242 4242'
const declines = '4000 0000 0000 0002'
const stolen = '4000 0000 0000 9979'
const authenticates = '4000 0025 0000 3155'
const loses = '4000 0000 0000 0119'

const tenant = 'acct_dun'
const dayMs = 86_400_000
let world: BillingWorld
let key: string
let time = Date.UTC(2026, 0, 1, 9)

beforeAll(async () => {
  world = await startBillingWorld({ entropy: { now: () => new Date(time) } })
  key = await world.keyOf({ tenant })
})
afterEach(async () => expect(await checkBooks(world.service.deps, tenant)).toEqual([]))
afterAll(() => world.close())

let count = 0
async function customer(card: string | undefined, more: object = {}) {
  const reference = `acct_dun${count++}`
  const body = { reference, ...(card !== undefined && { payment_method: card }), ...more }
  return readAnswer(customerView, await world.post('/v1/customers', key, body), 201)
}

async function open(of: { id: string }): Promise<string> {
  const lines = [{ description: 'Work', amount: 1000 }]
  const made = await world.post('/v1/invoices', key, { customer: of.id, lines })
  const { id } = readAnswer(invoiceView, made, 201)
  readAnswer(invoiceView, await world.post(`/v1/invoices/${id}/finalize`, key, {}))
  return id
}

type Invoice = z.infer<typeof invoiceView>
const invoice = async (id: string): Promise<Invoice> =>
  readAnswer(invoiceView, await world.call('GET', `/v1/invoices/${id}`, { key }))
const customerNow = async (id: string) =>
  readAnswer(customerView, await world.call('GET', `/v1/customers/${id}`, { key }))
const pay = async (id: string) => readAnswer(invoiceView, await world.post(`/v1/invoices/${id}/pay`, key, {}))
const newCard = (of: { id: string }, card: string) =>
  world.post(`/v1/customers/${of.id}`, key, { payment_method: card })

/** Lets days pass, with the job run on each. */
async function pass(days: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    time += dayMs
    await run(world.service.deps, undefined, new Date(time))
  }
}

const collectDue = () => run(world.service.deps, undefined, new Date(time))

async function kindsOf(id: string): Promise<string[]> {
  const told = world.recorded(tenant).filter(({ data }) => data?.['invoice'] === id)
  return told.map(({ kind }) => kind).filter((kind) => /^(invoice|dunning)\./.test(kind))
}

async function untilTold(id: string, kind: string): Promise<string[]> {
  return until(async () => {
    const kinds = await kindsOf(id)
    return kinds.includes(kind) ? kinds : undefined
  })
}

describe('a card that keeps declining', () => {
  it('is retried 3, 5, 7 and 10 days after the failure, then 7 days of grace, then keys are suspended', async () => {
    const of = await customer(declines, { email: 'finance@example.com' })
    const id = await open(of)
    const first = time
    await collectDue()
    const tried: number[] = []
    for (let day = 0; day <= 20; day++) {
      const found = await invoice(id)
      if (found.attempts > tried.length) tried.push(day)
      expect((await customerNow(of.id)).suspended).toBe(day >= 17)
      if (day < 20) await pass(1)
    }
    expect(tried).toEqual([0, 3, 5, 7, 10])
    const found = await invoice(id)
    expect(found).toMatchObject({ status: 'past_due', attempts: 5, dunning: { retries: 4, suspended: true } })
    expect(found.dunning?.grace_ends_at).toBe(new Date(first + 17 * dayMs).toISOString())
    expect(found.next_attempt_at).toBeUndefined()
    await until(() => (world.suspended.has(of.reference) ? true : undefined))

    await newCard(of, good)
    expect((await pay(id)).status).toBe('paid')
    expect(await customerNow(of.id)).toMatchObject({ suspended: false })
    expect((await customerNow(of.id)).delinquent_since).toBeUndefined()
    await until(() => (world.suspended.has(of.reference) ? undefined : true))
    const kinds = await untilTold(id, 'dunning.reactivated')
    expect(
      kinds.filter((kind) => kind !== 'invoice.created' && kind !== 'invoice.finalized').toSorted(),
    ).toEqual([
      'dunning.grace_started',
      'dunning.reactivated',
      ...Array.from({ length: 4 }, () => 'dunning.retry_scheduled'),
      'dunning.suspended',
      'invoice.paid',
      'invoice.past_due',
    ])
    const letters = await until(() => {
      const files = readdirSync(world.mail).filter((file) => file.endsWith('.eml'))
      const texts = files.map((file) => readFileSync(join(world.mail, file), 'utf8'))
      const mine = texts.filter((text) => text.includes('To: finance@example.com'))
      return mine.length >= 7 ? mine : undefined
    })
    expect(letters).toHaveLength(7)
  })

  it('never suspends anybody before grace has ended, and payment within it ends dunning', async () => {
    const of = await customer(declines)
    const id = await open(of)
    await collectDue()
    await pass(16)
    expect((await customerNow(of.id)).suspended).toBe(false)
    await newCard(of, good)
    await pass(1)
    expect(await invoice(id)).toMatchObject({ status: 'paid' })
    expect((await customerNow(of.id)).suspended).toBe(false)
    await pass(5)
    expect((await kindsOf(id)).includes('dunning.suspended')).toBe(false)
  })
})

it('a hard decline is not retried: grace begins at once', async () => {
  const of = await customer(stolen)
  const id = await open(of)
  await collectDue()
  const failedAt = time
  expect(await invoice(id)).toMatchObject({ attempts: 1, dunning: { retries: 0 } })
  await pass(6)
  expect(await invoice(id)).toMatchObject({
    attempts: 1,
    dunning: { grace_ends_at: new Date(failedAt + 7 * dayMs).toISOString(), suspended: false },
  })
  await pass(1)
  expect(await invoice(id)).toMatchObject({ attempts: 1, dunning: { suspended: true } })
})

it('an attempt out of turn uses up no retry and moves no date', async () => {
  const of = await customer(declines)
  const id = await open(of)
  await collectDue()
  const before = await invoice(id)
  time += dayMs
  const after = await pay(id)
  expect(after).toMatchObject({
    attempts: 2,
    next_attempt_at: before.next_attempt_at,
    dunning: before.dunning,
  })
  await newCard(of, good)
  expect((await pay(id)).status).toBe('paid')
})

describe('authentication', () => {
  it('that is given is followed by the capture', async () => {
    const of = await customer(authenticates, { email: 'act@example.com' })
    const id = await open(of)
    await collectDue()
    const waiting = await invoice(id)
    expect(waiting).toMatchObject({
      status: 'past_due',
      attempts: 0,
      payments: [{ status: 'requires_action' }],
    })
    await world.post('/v1/payments/confirm', key, { payment: waiting.payments?.[0]?.id })
    await collectDue()
    expect(await invoice(id)).toMatchObject({ status: 'paid' })
  })

  it('that nobody gives is let go of, asked for again, and ends in suspension', async () => {
    const of = await customer(authenticates)
    const id = await open(of)
    await collectDue()
    await pass(3)
    const found = await invoice(id)
    expect(found.payments?.map(({ status }) => status).toSorted()).toEqual(['requires_action', 'voided'])
    await pass(14)
    expect(await invoice(id)).toMatchObject({ status: 'past_due', dunning: { suspended: true, retries: 4 } })
    expect((await invoice(id)).payments?.filter(({ status }) => status === 'requires_action')).toHaveLength(1)
    await newCard(of, good)
    expect((await pay(id)).status).toBe('paid')
  })
})

it('an answer that is lost is looked up before anything is retried: the money is taken once', async () => {
  // Of a test clock, so that the job of the service does not collect at the same moment.
  const now = new Date('2026-02-01T00:00:00.000Z')
  const made = await world.post('/v1/test-clocks', key, { name: 'lost', now: now.toISOString() })
  const clock = { id: (made.json as { id: string }).id, now }
  const id = await open(await customer(loses, { test_clock: clock.id }))
  await run(world.service.deps, clock, now)
  expect(await invoice(id)).toMatchObject({ status: 'open', attempts: 0 })
  time += 3_600_000
  await resolvePayments(world.service.deps)
  await run(world.service.deps, clock, new Date(now.getTime() + 3_600_000))
  const found = await invoice(id)
  expect(found).toMatchObject({ status: 'paid', amount_paid: { amount: 1000 } })
  expect(found.payments).toHaveLength(1)
})

it('ten who collect at once take the money once', async () => {
  const id = await open(await customer(good))
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, () => collectInvoice(world.service.deps, id)),
  )
  expect(outcomes.some((one) => one.status === 'fulfilled' && one.value.outcome === 'paid')).toBe(true)
  await collectDue()
  const found = await invoice(id)
  expect(found).toMatchObject({ status: 'paid', amount_paid: { amount: 1000 } })
  expect(found.payments?.filter(({ captured }) => captured.amount > 0)).toHaveLength(1)
})

it('without a payment method the invoice waits until it is due, then is past due', async () => {
  const of = await customer(undefined)
  const id = await open(of)
  await pass(13)
  expect(await invoice(id)).toMatchObject({ status: 'open', attempts: 0 })
  await pass(1)
  expect(await invoice(id)).toMatchObject({ status: 'past_due', attempts: 1 })
  await newCard(of, good)
  await pass(3)
  expect(await invoice(id)).toMatchObject({ status: 'paid' })
})

describe('whoever owes several invoices', () => {
  it('gets the keys back with the last of them, however the payments race', async () => {
    const of = await customer(stolen)
    const ids = [await open(of), await open(of), await open(of)]
    await collectDue()
    await pass(7)
    expect((await customerNow(of.id)).suspended).toBe(true)
    await newCard(of, good)
    expect((await pay(ids[0] ?? '')).status).toBe('paid')
    expect((await customerNow(of.id)).suspended).toBe(true)
    await Promise.all(ids.slice(1).map((id) => world.post(`/v1/invoices/${id}/pay`, key, {})))
    expect(await customerNow(of.id)).toMatchObject({ suspended: false })
    await until(() => (world.suspended.has(of.reference) ? undefined : true))
  })

  it('and whose debt is voided or credited is no longer delinquent', async () => {
    const of = await customer(stolen)
    const ids = [await open(of), await open(of)]
    await collectDue()
    expect((await customerNow(of.id)).delinquent_since).toBeDefined()
    await world.post(`/v1/invoices/${ids[0]}/void`, key, {})
    expect((await customerNow(of.id)).delinquent_since).toBeDefined()
    await world.post(`/v1/invoices/${ids[1]}/credit-notes`, key, { amount: 1000, reason: 'goodwill' })
    expect((await customerNow(of.id)).delinquent_since).toBeUndefined()
    expect(await invoice(ids[1] ?? '')).toMatchObject({ status: 'paid' })
  })
})

it('a crash after the decline and before it was booked books that attempt, and asks nobody again', async () => {
  const now = new Date('2026-02-01T00:00:00.000Z')
  const made = await world.post('/v1/test-clocks', key, { name: 'crash', now: now.toISOString() })
  const clock = { id: (made.json as { id: string }).id, now }
  const id = await open(await customer(declines, { test_clock: clock.id }))
  expect((await collectInvoice(world.service.deps, id)).outcome).toBe('failed')
  expect(await invoice(id)).toMatchObject({ status: 'open', attempts: 0 })
  await run(world.service.deps, clock, now)
  const found = await invoice(id)
  expect(found).toMatchObject({ status: 'past_due', attempts: 1, dunning: { retries: 0 } })
  expect(found.payments).toHaveLength(1)
})

it('under a test clock the same schedule passes in one advance, and real time touches nothing of it', async () => {
  const now = '2026-03-01T00:00:00.000Z'
  const made = await world.post('/v1/test-clocks', key, { name: 'dunning', now })
  const clock = (made.json as { id: string }).id
  const of = await customer(declines, { test_clock: clock })
  const id = await open(of)
  await pass(30)
  expect(await invoice(id)).toMatchObject({ status: 'open', attempts: 0 })
  const advance = { to: '2026-03-31T00:00:00.000Z' }
  const answer = await world.post(`/v1/test-clocks/${clock}/advance`, key, advance)
  expect(answer.status, answer.text).toBeLessThan(300)
  await until(async () => ((await customerNow(of.id)).suspended ? true : undefined))
  const found = await invoice(id)
  expect(found).toMatchObject({ attempts: 5, dunning: { retries: 4, suspended: true } })
  const first = Date.parse(found.dunning?.since ?? '')
  const tried = found.payments?.map(({ created_at: at }) => (Date.parse(at) - first) / dayMs)
  expect(tried?.toSorted((a, b) => a - b)).toEqual([0, 3, 5, 7, 10])
})
