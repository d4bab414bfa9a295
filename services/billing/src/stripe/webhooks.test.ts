import { listOf } from '@tallystick/protocol'
import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StripeServer } from '../../test/stripe-server.ts'
import type { Dispute } from '../../test/stripe-books.ts'
import type { BillingWorld } from '../billing-world.ts'
import { checkBooks } from '../invoices/check-books.ts'
import { invoiceView } from '../invoices/invoice-schemas.ts'
import type { LedgerCode } from '../ledger/collections.ts'
import { ledgerAccounts } from '../ledger/collections.ts'
import { ledgerAccountIdOf } from '../ledger/post-journal.ts'
import { disputeView, paymentView, refundView } from '../payments/payment-schemas.ts'
import { resolvePayments } from '../payments/resolve-payments.ts'
import { reviewDispute } from './review-dispute.ts'
import { stripeClient } from './stripe-client.ts'
import { startStripeWorld } from './stripe-world.ts'
import type { SentEvent, StripeWorld } from './stripe-world.ts'

const tenant = 'acct_webhooks'
let market: StripeWorld
let world: BillingWorld
let stripe: StripeServer
let key: string
let count = 0

beforeAll(async () => {
  market = await startStripeWorld(tenant)
  ;({ world, stripe, key } = market)
})
afterAll(async () => {
  expect(await checkBooks(world.service.deps, tenant)).toEqual([])
  expect(stripe.violations).toEqual([])
  await market.close()
})

/** A captured payment, for an invoice where one is named. */
async function captured(more: { customer?: string; invoice?: string; amount?: number } = {}) {
  const { customer = await market.customer(), invoice, amount = 1000 } = more
  const body = { customer, amount, ...(invoice !== undefined && { invoice }) }
  const held = readAnswer(paymentView, await world.post('/v1/payments/authorize', key, body), 201)
  await world.post('/v1/payments/capture', key, { payment: held.id })
  return held.id
}

async function paidInvoice(amount: number) {
  const customer = await market.customer()
  const line = { description: 'A dataset', amount }
  const drafted = await world.post('/v1/invoices', key, { customer, lines: [line] })
  const { id } = readAnswer(invoiceView, drafted, 201)
  await world.post(`/v1/invoices/${id}/finalize`, key, {})
  const paid = readAnswer(invoiceView, await world.post(`/v1/invoices/${id}/pay`, key, {}))
  expect(paid.status).toBe('paid')
  const { payments = [] } = await detailsOf(id)
  return { id, payment: payments[0]?.id ?? '' }
}

async function detailsOf(id: string) {
  return readAnswer(invoiceView, await world.call('GET', `/v1/invoices/${id}`, { key }))
}

const refund = (payment: string, more: object = {}) =>
  world.post('/v1/payments/refund', key, { payment, ...more })
const read = (payment: string) => market.read(payment)
const intentOf = (payment: string) => market.intentOf(payment)
const send = (type: string, object: object, how?: SentEvent) => market.send(type, object, how)
const tell = (what: string, dispute: Dispute, how?: SentEvent) => send(`charge.dispute.${what}`, dispute, how)

async function balance(code: LedgerCode, currency = 'USD', party?: string): Promise<bigint> {
  const id = ledgerAccountIdOf(tenant, { code, currency, party })
  return (await world.service.store.get(ledgerAccounts, id))?.balance ?? 0n
}
/** How far some accounts move while something happens. */
async function moves(codes: readonly LedgerCode[], act: () => Promise<unknown>) {
  const before = await Promise.all(codes.map((code) => balance(code)))
  await act()
  const after = await Promise.all(codes.map((code) => balance(code)))
  return after.map((amount, place) => Number(amount - (before[place] ?? 0n)))
}

describe('a dispute', () => {
  const codes: readonly LedgerCode[] = ['processor_clearing', 'disputed', 'fees', 'bad_debt']

  it('that is won: the money is withheld, then back; the fee stays', async () => {
    const payment = await captured()
    const dispute = stripe.books.dispute(intentOf(payment), 1000)
    const created = await moves(codes, () => tell('created', dispute))
    expect(created).toEqual([0, 0, 0, 0])
    expect(await read(payment)).toMatchObject({ status: 'disputed', disputed: { amount: 1000 } })
    stripe.books.moveDisputed(dispute, -1000, { fee: 1500 })
    const withdrawn = await moves(codes, () => tell('funds_withdrawn', dispute))
    expect(withdrawn).toEqual([-2500, 1000, 1500, 0])
    expect(problemOf(await refund(payment))).toMatchObject({ status: 409, code: 'invalid_state' })
    dispute.status = 'won'
    await tell('closed', dispute)
    expect((await read(payment)).status).toBe('disputed')
    stripe.books.moveDisputed(dispute, 1000)
    expect(await moves(codes, () => tell('funds_reinstated', dispute))).toEqual([1000, -1000, 0, 0])
    const won = await read(payment)
    expect(won.status).toBe('captured')
    expect(won.disputed).toBeUndefined()
    const { data } = readAnswer(
      listOf(disputeView),
      await world.call('GET', `/v1/payments/${payment}/disputes`, { key }),
    )
    expect(data).toMatchObject([
      {
        status: 'won',
        provider_reference: dispute.id,
        withdrawn: { amount: 1000 },
        reinstated: { amount: 1000 },
      },
    ])
    const kinds = () => world.recorded(tenant).filter(({ data: told }) => told?.['payment'] === payment)
    await until(() => kinds().find(({ kind }) => kind === 'payment.dispute_won'))
    expect(kinds().some(({ kind }) => kind === 'payment.disputed')).toBe(true)
  })

  it('that is lost is a bad debt of the invoice, and of an advance no debt to the buyer any more', async () => {
    const { payment } = await paidInvoice(1000)
    const dispute = stripe.books.dispute(intentOf(payment), 1000, 'lost')
    stripe.books.moveDisputed(dispute, -1000)
    expect(await moves(codes, () => tell('closed', dispute))).toEqual([-1000, 0, 0, 1000])
    expect(await read(payment)).toMatchObject({ status: 'charged_back', charged_back: { amount: 1000 } })
    expect((await refund(payment)).status).toBe(409)
    const customer = await market.customer()
    const advance = await captured({ customer })
    expect(await balance('deferred_revenue', 'USD', customer)).toBe(-1000n)
    const second = stripe.books.dispute(intentOf(advance), 400, 'lost')
    stripe.books.moveDisputed(second, -400)
    await tell('closed', second)
    expect(await balance('deferred_revenue', 'USD', customer)).toBe(-600n)
    // What was not contested can still be given back, and no more.
    expect((await refund(advance, { amount: 601 })).status).toBe(400)
    readAnswer(refundView, await refund(advance, { amount: 600 }), 201)
    expect(await read(advance)).toMatchObject({ status: 'charged_back', refunded: { amount: 600 } })
  })

  it('that is lost and won after all takes the loss back', async () => {
    const { payment } = await paidInvoice(700)
    const dispute = stripe.books.dispute(intentOf(payment), 700, 'lost')
    stripe.books.moveDisputed(dispute, -700)
    await tell('closed', dispute)
    dispute.status = 'appeal_under_review'
    expect(await moves(codes, () => tell('updated', dispute))).toEqual([0, 700, 0, -700])
    expect((await read(payment)).status).toBe('disputed')
    dispute.status = 'won'
    stripe.books.moveDisputed(dispute, 700)
    expect(await moves(codes, () => tell('closed', dispute))).toEqual([700, -700, 0, 0])
    expect((await read(payment)).status).toBe('captured')
  })

  it('told in any order, twice and at once, by processes that die amid it, is booked once', async () => {
    const payment = await captured()
    const dispute = stripe.books.dispute(intentOf(payment), 1000, 'won')
    stripe.books.moveDisputed(dispute, -1000, { fee: 1500 })
    stripe.books.moveDisputed(dispute, 1000)
    const rail = stripeClient({ key: 'sk_test_local', base: stripe.url, timeout: 20_000 })
    const moved = await moves(codes, async () => {
      // Booked, and the process died before the event was written down.
      await reviewDispute(world.service.deps, rail, dispute.id)
      const types = ['funds_reinstated', 'closed', 'created', 'funds_withdrawn', 'updated']
      const answers = await Promise.all(
        types.flatMap((type) => [1, 2].map(() => tell(type, dispute, { id: `evt_${dispute.id}_${type}` }))),
      )
      expect(answers.every(({ status }) => status === 200)).toBe(true)
      const outcomes = answers.map(({ body }) => (body as { outcome: string }).outcome)
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(types.length)
    })
    expect(moved).toEqual([-1500, 0, 1500, 0])
    expect((await read(payment)).status).toBe('captured')
  })

  it('that is an inquiry, or was prevented, moves nothing', async () => {
    const payment = await captured()
    const dispute = stripe.books.dispute(intentOf(payment), 1000, 'warning_needs_response')
    expect(await moves(codes, () => tell('created', dispute))).toEqual([0, 0, 0, 0])
    expect((await read(payment)).status).toBe('captured')
    dispute.status = 'warning_closed'
    await tell('closed', dispute)
    const prevented = stripe.books.dispute(intentOf(payment), 1000, 'prevented')
    await tell('created', prevented)
    expect((await read(payment)).status).toBe('captured')
    readAnswer(refundView, await refund(payment), 201)
  })

  it('with a fee in the currency of the balance books each in its own', async () => {
    const customer = await market.customer({}, { currency: 'JPY' })
    const payment = await captured({ customer, amount: 500 })
    const dispute = stripe.books.dispute(intentOf(payment), 500)
    stripe.books.moveDisputed(dispute, -330, { fee: 1500, currency: 'usd' })
    const fees = await balance('fees')
    const kept = await balance('processor_clearing', 'JPY')
    await tell('funds_withdrawn', dispute)
    expect((await balance('fees')) - fees).toBe(1500n)
    expect((await balance('processor_clearing', 'JPY')) - kept).toBe(-500n)
    expect(await read(payment)).toMatchObject({ disputed: { amount: 500, currency: 'JPY' } })
  })

  it('that begins while a refund is under way lets it end, and then holds the rest', async () => {
    const payment = await captured()
    stripe.fail('POST /v1/refunds', 'answer lost')
    stripe.fail('GET /v1/refunds', '429')
    await refund(payment, { amount: 300 })
    expect((await read(payment)).status).toBe('refunding')
    const dispute = stripe.books.dispute(intentOf(payment), 700)
    stripe.books.moveDisputed(dispute, -700)
    stripe.fail('GET /v1/refunds', '429')
    await tell('created', dispute)
    stripe.calm()
    market.time += 2 * 3_600_000
    await resolvePayments(world.service.deps)
    expect(await read(payment)).toMatchObject({ status: 'disputed', refunded: { amount: 300 } })
    // Given back at Stripe all the same: the money moved, so the books follow.
    stripe.books.refund({ payment_intent: intentOf(payment).id, amount: 700, metadata: {} })
    await send('charge.refunded', { id: 'ch_x', object: 'charge', payment_intent: intentOf(payment).id })
    expect(await read(payment)).toMatchObject({ status: 'disputed', refunded: { amount: 1000 } })
  })
})

describe('a refund that the bank sends back', () => {
  const codes: readonly LedgerCode[] = ['processor_clearing', 'refunds']

  it('is taken back in ledger, invoice and payment, once, and can be given anew', async () => {
    const invoice = await paidInvoice(900)
    readAnswer(refundView, await refund(invoice.payment, { amount: 400 }), 201)
    expect((await detailsOf(invoice.id)).amount_refunded).toMatchObject({ amount: 400 })
    const [given] = [...stripe.books.refunds.values()].slice(-1)
    if (!given) throw new Error('nothing was refunded')
    stripe.books.failRefund(given.id)
    const moved = await moves(codes, async () => {
      await Promise.all(
        ['refund.failed', 'charge.refund.updated', 'refund.updated'].map((type) => send(type, given)),
      )
      await send('refund.failed', given)
    })
    expect(moved).toEqual([400, -400])
    expect(await read(invoice.payment)).toMatchObject({ status: 'captured', refunded: { amount: 0 } })
    expect((await detailsOf(invoice.id)).amount_refunded).toMatchObject({ amount: 0 })
    await until(() =>
      world
        .recorded(tenant)
        .find(({ kind, data }) => kind === 'payment.refund_failed' && data?.['payment'] === invoice.payment),
    )
    readAnswer(refundView, await refund(invoice.payment), 201)
    expect(await read(invoice.payment)).toMatchObject({ status: 'refunded', refunded: { amount: 900 } })
  })

  it('is taken back also where it was given at Stripe, and nothing where it was never booked', async () => {
    const payment = await captured()
    const { id: payment_intent } = intentOf(payment)
    stripe.books.refund({ payment_intent, amount: 250, metadata: {} })
    const [given] = [...stripe.books.refunds.values()].slice(-1)
    if (!given) throw new Error('nothing was refunded')
    await send('charge.refunded', { id: 'ch_y', object: 'charge', payment_intent })
    expect((await read(payment)).refunded.amount).toBe(250)
    stripe.books.failRefund(given.id)
    await send('refund.failed', given)
    expect(await read(payment)).toMatchObject({ status: 'captured', refunded: { amount: 0 } })
    stripe.books.refund({ payment_intent, amount: 100, metadata: {} })
    const [early] = [...stripe.books.refunds.values()].slice(-1)
    if (!early) throw new Error('nothing was refunded')
    stripe.books.failRefund(early.id)
    await send('refund.failed', early)
    expect(await read(payment)).toMatchObject({ status: 'captured', refunded: { amount: 0 } })
  })
})

describe('an event that should change nothing', () => {
  it('of another marketplace’s payment, mode or connected account, or of nobody’s, does not', async () => {
    const payment = await captured()
    const mine = intentOf(payment)
    const dispute = stripe.books.dispute(mine, 1000)
    stripe.books.moveDisputed(dispute, -1000)
    for (const how of [{ livemode: true }, { account: 'acct_1connected' }])
      expect((await tell('funds_withdrawn', dispute, how)).body).toMatchObject({ outcome: 'ignored' })
    // Somebody with access to the account at Stripe points an intent of their own at this payment.
    const { customer, payment_method, metadata } = mine
    const forged = { amount: 9000, currency: 'usd', customer, payment_method, off_session: 'true' }
    for (const claims of [metadata, { ...metadata, tenant: 'acct_other' }]) {
      stripe.books.create({ ...forged, metadata: claims })
      const intent = [...stripe.books.intents.values()].at(-1)
      if (!intent) throw new Error('no intent')
      stripe.books.capture(intent.id, 9000)
      const other = stripe.books.dispute(intent, 9000, 'lost')
      stripe.books.moveDisputed(other, -9000)
      await tell('closed', other)
    }
    expect((await tell('closed', { ...dispute, id: 'dp_nobody' })).body).toMatchObject({ outcome: 'ignored' })
    expect((await tell('funds_withdrawn', dispute, { at: market.time - 301_000 })).status).toBe(400)
    expect(await read(payment)).toMatchObject({ status: 'captured' })
  })

  it('while Stripe does not answer is not counted as seen: it comes again', async () => {
    const payment = await captured()
    const dispute = stripe.books.dispute(intentOf(payment), 1000)
    stripe.books.moveDisputed(dispute, -1000)
    const id = `evt_again_${count++}`
    stripe.down = true
    expect((await tell('funds_withdrawn', dispute, { id })).status).toBe(503)
    stripe.down = false
    stripe.fail('GET /v1/payment_intents/:id', '500 before')
    expect((await tell('funds_withdrawn', dispute, { id })).status).toBe(503)
    expect((await tell('funds_withdrawn', dispute, { id })).body).toMatchObject({ outcome: 'recorded' })
    expect((await tell('funds_withdrawn', dispute, { id })).body).toMatchObject({ outcome: 'duplicate' })
    expect((await read(payment)).status).toBe('disputed')
  })
})
