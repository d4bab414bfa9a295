import { listOf } from '@tallystick/protocol'
import { replayExplanation } from '@tallystick/pricing'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { grantView } from '../credits/credit-schemas.ts'
import { customerView } from '../customers/schemas.ts'
import { paymentView } from '../payments/payment-schemas.ts'
import { checkBooks } from './check-books.ts'
import { invoiceView, noteView } from './invoice-schemas.ts'

let world: BillingWorld
let key: string
let clock: string
const tenant = 'acct_inv'
let time = Date.UTC(2026, 2, 15, 12)

beforeAll(async () => {
  world = await startBillingWorld({ entropy: { now: () => new Date(time) } })
  key = await world.keyOf({ tenant })
  // Its customers are not collected from by the job, which follows real time.
  const made = await world.post('/v1/test-clocks', key, { name: 'c', now: new Date(time).toISOString() })
  clock = (made.json as { id: string }).id
})
afterEach(async () => expect(await checkBooks(world.service.deps, tenant)).toEqual([]))
afterAll(() => world.close())

let count = 0
async function customer(more: object = {}): Promise<string> {
  const method = { payment_method: '4242 4242 4242 4242', test_clock: clock }
  const body = { reference: `dev_${count++}`, ...method, ...more }
  return readAnswer(customerView, await world.post('/v1/customers', key, body), 201).id
}

const read = (answer: Awaited<ReturnType<BillingWorld['post']>>, status = 200) =>
  readAnswer(invoiceView, answer, status)

async function draft(
  of: string,
  lines: object[] = [{ description: 'Work', amount: 1000 }],
  more: object = {},
) {
  return read(await world.post('/v1/invoices', key, { customer: of, lines, ...more }), 201)
}

const deed = (id: string, what: string, body: object = {}, by = key) =>
  world.post(`/v1/invoices/${id}/${what}`, by, body)

async function open(of: string, amount = 1000): Promise<z.infer<typeof invoiceView>> {
  const { id } = await draft(of, [{ description: 'Work', amount }])
  return read(await deed(id, 'finalize'))
}

const grant = (of: string, amount: number, more: object = {}) =>
  world.post('/v1/credit-grants', key, { customer: of, amount, ...more })
async function grantsOf(of: string) {
  const answer = await world.call('GET', `/v1/credit-grants?customer=${of}`, { key })
  return readAnswer(listOf(grantView), answer).data
}

describe('a draft', () => {
  it('is rated exactly, explains itself, is changed, and owes nothing', async () => {
    const of = await customer()
    const made = await draft(
      of,
      [
        { description: 'Onboarding', quantity: '2.5', unit_amount: '119.999' },
        { description: 'Goodwill', amount: -500 },
      ],
      { footer: 'Thank you', metadata: { po: '17' } },
    )
    expect(made).toMatchObject({
      status: 'draft',
      total: { amount: 29_500, currency: 'USD' },
      footer: 'Thank you',
    })
    expect(made.number).toBeUndefined()
    const [line] = made.lines
    expect(line?.explanation && replayExplanation(line.explanation)).toBe(30_000n)
    const path = `/v1/invoices/${made.id}`
    const changed = read(await world.post(path, key, { lines: [{ description: 'Onboarding', amount: 7 }] }))
    expect(changed).toMatchObject({ total: { amount: 7 }, footer: 'Thank you', metadata: { po: '17' } })
    expect(changed.lines[0]?.id).not.toBe(line?.id)
    for (const what of ['void', 'mark-uncollectible', 'pay']) {
      expect(problemOf(await deed(made.id, what)).code).toBe('invalid_state')
    }
    expect(problemOf(await deed(made.id, 'credit-notes', { amount: 1, reason: 'x' })).code).toBe(
      'invalid_state',
    )
  })

  it('is refused with a pointer where a line makes no sense', async () => {
    const of = await customer()
    const bad = [
      [{ lines: [] }, '/lines'],
      [{ lines: [{ description: 'both', amount: 1, unit_amount: '1' }] }, '/lines/0'],
      [
        { lines: [{ description: 'much', quantity: '999999999999999999', unit_amount: '999' }] },
        '/lines/0/unit_amount',
      ],
      [{ lines: [{ description: 'a', amount: 1, price: 'x' }] }, '/lines/0/price'],
    ] as const
    for (const [body, pointer] of bad) {
      const problem = problemOf(await world.post('/v1/invoices', key, { customer: of, ...body }))
      expect(problem).toMatchObject({ status: 400, errors: [{ pointer }] })
    }
  })
})

describe('finalizing', () => {
  it('of many drafts of one tenant at once gives gapless numbers, each once', async () => {
    const racing = await world.keyOf({ tenant: 'acct_race' })
    const drafts = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const made = await world.post('/v1/customers', racing, { reference: `race_${n}` })
        const { id } = readAnswer(customerView, made, 201)
        const body = { customer: id, lines: [{ description: 'x', amount: 100 + n }] }
        return read(await world.post('/v1/invoices', racing, body), 201).id
      }),
    )
    const done = await Promise.all(drafts.map((id) => deed(id, 'finalize', {}, racing)))
    const numbers = done.map((answer) => read(answer).number ?? '').toSorted((a, b) => a.localeCompare(b))
    expect(numbers).toEqual(Array.from({ length: 12 }, (_, n) => `2026-${String(n + 1).padStart(6, '0')}`))
    expect(await checkBooks(world.service.deps, 'acct_race')).toEqual([])
  })

  it('of one draft by many happens once', async () => {
    const { id } = await draft(await customer())
    const answers = await Promise.all(Array.from({ length: 6 }, () => deed(id, 'finalize')))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 409, 409, 409, 409, 409,
    ])
  })

  it('by two invoices of one customer never draws the same credit twice', async () => {
    const of = await customer()
    await grant(of, 1500)
    const drafts = await Promise.all([draft(of), draft(of), draft(of)])
    const done = await Promise.all(drafts.map(({ id }) => deed(id, 'finalize')))
    const applied = done.map((answer) => read(answer).credits_applied.amount)
    expect(applied.toSorted((a, b) => a - b)).toEqual([0, 500, 1000])
    expect((await grantsOf(of))[0]?.remaining.amount).toBe(0)
  })

  it('pays an invoice that credit covers at once, and says so', async () => {
    const of = await customer()
    await grant(of, 5000)
    const paid = await open(of)
    expect(paid).toMatchObject({
      status: 'paid',
      amount_due: { amount: 0 },
      credits_applied: { amount: 1000 },
    })
    expect(paid.next_attempt_at).toBeUndefined()
  })

  it('turns a negative total into credit that the next invoice draws', async () => {
    const of = await customer()
    const back = await open(of, -700)
    expect(back).toMatchObject({ status: 'paid', total: { amount: -700 }, amount_due: { amount: 0 } })
    expect((await grantsOf(of))[0]).toMatchObject({ remaining: { amount: 700 } })
    expect(await open(of)).toMatchObject({ credits_applied: { amount: 700 }, amount_due: { amount: 300 } })
  })

  it('keeps who the buyer was, whatever the customer is called later', async () => {
    const of = await customer({ name: 'Before Ltd', tax_id: 'DE123' })
    const { id } = await open(of)
    await world.post(`/v1/customers/${of}`, key, { name: 'After Ltd' })
    const found = read(await world.call('GET', `/v1/invoices/${id}`, { key }))
    expect(found).toMatchObject({
      buyer: { name: 'Before Ltd', tax_id: 'DE123' },
      seller: { name: 'Tallystick' },
    })
  })
})

describe('an open invoice', () => {
  it('is collected now, once, however many ask', async () => {
    const { id } = await open(await customer())
    const answers = await Promise.all(Array.from({ length: 5 }, () => deed(id, 'pay')))
    for (const answer of answers) expect([200, 409]).toContain(answer.status)
    const paid = read(await deed(id, 'pay'))
    expect(paid).toMatchObject({
      status: 'paid',
      amount_paid: { amount: 1000 },
      amount_remaining: { amount: 0 },
    })
    expect(paid.payments).toMatchObject([{ status: 'captured', captured: { amount: 1000 } }])
  })

  it('is voided: the books are as before, the number stays taken, drawn credit returns', async () => {
    const of = await customer()
    await grant(of, 400)
    const { id, number } = await open(of)
    expect(read(await deed(id, 'void'))).toMatchObject({
      status: 'void',
      number,
      amount_remaining: { amount: 0 },
    })
    const left = (await grantsOf(of)).reduce((sum, { remaining }) => sum + remaining.amount, 0)
    expect(left).toBe(400)
    expect(problemOf(await deed(id, 'void')).code).toBe('invalid_state')
    expect(problemOf(await deed(id, 'pay')).code).toBe('invalid_state')
  })

  it('is not voided once a part of it is paid, nor while a payment is under way', async () => {
    const of = await customer()
    const { id } = await open(of)
    const held = await world.post('/v1/payments/authorize', key, { customer: of, invoice: id, amount: 400 })
    const payment = (held.json as { id: string }).id
    expect(problemOf(await deed(id, 'void')).code).toBe('invalid_state')
    expect(problemOf(await deed(id, 'pay')).detail).toContain(payment)
    await world.post('/v1/payments/capture', key, { payment })
    expect(problemOf(await deed(id, 'void')).code).toBe('invalid_state')
    expect(read(await deed(id, 'pay'))).toMatchObject({ status: 'paid', amount_paid: { amount: 1000 } })
  })

  it('that is given up is a bad debt, and money that comes after all undoes that', async () => {
    const of = await customer()
    const { id } = await open(of)
    expect(read(await deed(id, 'mark-uncollectible'))).toMatchObject({ status: 'uncollectible' })
    expect(read(await deed(id, 'pay'))).toMatchObject({ status: 'paid', amount_paid: { amount: 1000 } })
  })

  it('that was paid twice by racing payments owes the rest back as credit', async () => {
    const of = await customer()
    const { id } = await open(of)
    const held: { id: string }[] = []
    for (const amount of [1000, 800]) {
      const body = { customer: of, invoice: id, amount }
      held.push(readAnswer(paymentView, await world.post('/v1/payments/authorize', key, body), 201))
    }
    await Promise.all(held.map((payment) => world.post('/v1/payments/capture', key, { payment: payment.id })))
    const found = read(await world.call('GET', `/v1/invoices/${id}`, { key }))
    expect(found).toMatchObject({ status: 'paid', amount_paid: { amount: 1000 } })
    expect((await grantsOf(of))[0]).toMatchObject({ remaining: { amount: 800 } })
  })
})

describe('a credit note', () => {
  it('lowers what is due; of a paid invoice it becomes credit; never more than the invoice', async () => {
    const of = await customer()
    const { id } = await open(of)
    const note = await deed(id, 'credit-notes', { amount: 300, reason: 'outage' })
    expect(readAnswer(noteView, note, 201)).toMatchObject({
      number: 'CN-2026-000001',
      total: { amount: 300 },
    })
    expect(read(await deed(id, 'pay'))).toMatchObject({ status: 'paid', amount_paid: { amount: 700 } })
    await deed(id, 'credit-notes', { amount: 600, reason: 'outage' })
    expect((await grantsOf(of))[0]).toMatchObject({ remaining: { amount: 600 } })
    const beyond = problemOf(await deed(id, 'credit-notes', { amount: 101, reason: 'outage' }))
    expect(beyond.errors?.[0]?.pointer).toBe('/amount')
    const found = read(await world.call('GET', `/v1/invoices/${id}`, { key }))
    expect(found.credit_notes?.map(({ total }) => total.amount).toSorted((a, b) => a - b)).toEqual([300, 600])
    const list = await world.call('GET', `/v1/credit-notes?invoice=${id}`, { key })
    expect(readAnswer(listOf(noteView), list).data).toHaveLength(2)
  })

  it('over the whole of an open invoice settles it; racing notes never take back more than there is', async () => {
    const { id } = await open(await customer())
    const notes = await Promise.all(
      [700, 700, 700].map((amount) => deed(id, 'credit-notes', { amount, reason: 'race' })),
    )
    expect(notes.filter(({ status }) => status === 201)).toHaveLength(1)
    await deed(id, 'credit-notes', { amount: 300, reason: 'rest' })
    const found = read(await world.call('GET', `/v1/invoices/${id}`, { key }))
    expect(found).toMatchObject({
      status: 'paid',
      amount_due: { amount: 0 },
      amount_credited: { amount: 1000 },
    })
  })

  it('does not give back again what was refunded', async () => {
    const { id } = await open(await customer())
    const [payment] = read(await deed(id, 'pay')).payments ?? []
    await world.post('/v1/payments/refund', key, { payment: payment?.id, amount: 900 })
    expect(problemOf(await deed(id, 'credit-notes', { amount: 101, reason: 'x' })).status).toBe(400)
    expect((await deed(id, 'credit-notes', { amount: 100, reason: 'x' })).status).toBe(201)
  })

  it('and refunds together never give back more than the invoice, in any order, however they race', async () => {
    const { id } = await open(await customer())
    const [payment] = read(await deed(id, 'pay')).payments ?? []
    await deed(id, 'credit-notes', { amount: 400, reason: 'x' })
    const refund = (amount?: number) =>
      world.post('/v1/payments/refund', key, { payment: payment?.id, amount })
    expect(problemOf(await refund(601)).errors?.[0]?.pointer).toBe('/amount')
    await Promise.all([
      ...[300, 300, 300].map((amount) => refund(amount)),
      ...[300, 300].map((amount) => deed(id, 'credit-notes', { amount, reason: 'race' })),
    ])
    const found = read(await world.call('GET', `/v1/invoices/${id}`, { key }))
    const back = found.amount_credited.amount + found.amount_refunded.amount
    expect(back).toBeLessThanOrEqual(1000)
    if (back < 1000) expect((await refund()).status).toBe(201)
    const emptied = read(await world.call('GET', `/v1/invoices/${id}`, { key }))
    expect(emptied.amount_credited.amount + emptied.amount_refunded.amount).toBe(1000)
  })
})

describe('who may see and do what', () => {
  it("another tenant's invoice, and another customer's, is as one that is not there", async () => {
    const of = await customer()
    const { id } = await open(of)
    const others = [
      await world.keyOf({ tenant: 'acct_other' }),
      await world.keyOf({ tenant, role: 'developer', account: 'acct_nobody' }),
    ]
    const absent = problemOf(await world.call('GET', '/v1/invoices/inv_01kqxq5t8r0000000000000000', { key }))
    for (const other of others) {
      for (const suffix of ['', '/html', '/pdf']) {
        const answer = problemOf(await world.call('GET', `/v1/invoices/${id}${suffix}`, { key: other }))
        expect({ ...answer, request_id: '', instance: '' }).toEqual({
          ...absent,
          request_id: '',
          instance: '',
        })
      }
      expect((await deed(id, 'pay', {}, other)).status).toBe(404)
      const list = await world.call('GET', '/v1/invoices', { key: other })
      expect(readAnswer(listOf(invoiceView), list).data).toEqual([])
      expect((await world.call('GET', `/v1/invoices?customer=${of}`, { key: other })).status).toBe(404)
      expect((await world.call('GET', `/v1/credit-notes?invoice=${id}`, { key: other })).status).toBe(404)
    }
    const [foreign] = others
    for (const what of ['finalize', 'void', 'mark-uncollectible']) {
      expect((await deed(id, what, {}, foreign)).status).toBe(404)
    }
    expect((await deed(id, 'credit-notes', { amount: 1, reason: 'x' }, foreign)).status).toBe(404)
  })

  it('a developer sees and pays its own invoices, and writes none', async () => {
    const made = await world.post('/v1/customers', key, {
      reference: 'acct_dev9',
      test_clock: clock,
      payment_method: '4242 4242 4242 4242',
    })
    const { id: of } = readAnswer(customerView, made, 201)
    const { id } = await open(of)
    const own = await world.keyOf({ tenant, role: 'developer', account: 'acct_dev9' })
    const list = await world.call('GET', '/v1/invoices?status=open', { key: own })
    expect(readAnswer(listOf(invoiceView), list).data.map((found) => found.id)).toEqual([id])
    for (const what of ['finalize', 'void', 'mark-uncollectible']) {
      expect(problemOf(await deed(id, what, {}, own)).code).toBe('forbidden')
    }
    const note = await deed(id, 'credit-notes', { amount: 1, reason: 'x' }, own)
    expect(problemOf(note).code).toBe('forbidden')
    const gift = await world.post('/v1/credit-grants', own, { customer: of, amount: 1 })
    expect(problemOf(gift).code).toBe('forbidden')
    expect(read(await deed(id, 'pay', {}, own)).status).toBe('paid')
  })

  it('lists by customer, status and both, page by page', async () => {
    const of = await customer()
    const made = [await open(of), await open(of), await draft(of)]
    const query = async (text: string) =>
      readAnswer(listOf(invoiceView), await world.call('GET', `/v1/invoices?${text}`, { key }))
    expect((await query(`customer=${of}`)).data).toHaveLength(3)
    expect((await query(`customer=${of}&status=draft`)).data.map(({ id }) => id)).toEqual([made[2]?.id])
    const first = await query(`customer=${of}&status=open&limit=1`)
    expect(first.has_more).toBe(true)
    const rest = await query(`customer=${of}&status=open&limit=1&starting_after=${first.next_cursor}`)
    const seen = new Set([...first.data, ...rest.data].map(({ id }) => id))
    expect(seen).toEqual(new Set([made[0]?.id, made[1]?.id]))
  })
})

describe('an invoice to read', () => {
  it('comes as HTML in which nothing runs', async () => {
    const of = await customer({ name: '<b>Robert</b>' })
    const { id, number } = await open(of)
    const answer = await world.call('GET', `/v1/invoices/${id}/html`, { key })
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(answer.text).toContain(String(number))
    expect(answer.text).toContain('&lt;b&gt;Robert')
  })

  it('comes as the same PDF each time, also after the customer changed', async () => {
    const of = await customer({ name: '株式会社' })
    const { id, number } = await open(of)
    const path = `/v1/invoices/${id}/pdf`
    const first = await world.call('GET', path, { key })
    expect(first.headers.get('content-type')).toBe('application/pdf')
    expect(first.headers.get('content-disposition')).toBe(`inline; filename="invoice-${number}.pdf"`)
    await world.post(`/v1/customers/${of}`, key, { name: 'Another' })
    time += 1000
    expect((await world.call('GET', path, { key })).text).toBe(first.text)
    const draftAnswer = await world.call('GET', `/v1/invoices/${(await draft(of)).id}/pdf`, { key })
    expect(draftAnswer.status).toBe(200)
  })
})

it('numbers begin anew with the year', async () => {
  time = Date.UTC(2027, 0, 1)
  expect((await open(await customer({ test_clock: undefined }))).number).toBe('2027-000001')
})
