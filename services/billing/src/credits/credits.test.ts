import { listOf } from '@tallystick/protocol'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { insert } from '@tallystick/storage'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { checkBooks } from '../invoices/check-books.ts'
import { invoiceView } from '../invoices/invoice-schemas.ts'
import { trialBalanceView } from '../ledger/ledger-schemas.ts'
import { creditGrants } from './collections.ts'
import { grantView } from './credit-schemas.ts'
import { planDraw } from './draw-credits.ts'
import { expireGrants } from './expire-grants.ts'

const tenant = 'acct_cred'
let world: BillingWorld
let key: string
let time = Date.UTC(2026, 4, 1, 12)

beforeAll(async () => {
  world = await startBillingWorld({ entropy: { now: () => new Date(time) } })
  key = await world.keyOf({ tenant })
})
afterEach(async () => expect(await checkBooks(world.service.deps, tenant)).toEqual([]))
afterAll(() => world.close())

let count = 0
async function customer(): Promise<string> {
  const made = await world.post('/v1/customers', key, { reference: `cred_${count++}` })
  return readAnswer(customerView, made, 201).id
}

async function grant(of: string, amount: number, more: object = {}) {
  return readAnswer(
    grantView,
    await world.post('/v1/credit-grants', key, { customer: of, amount, ...more }),
    201,
  )
}

async function invoiced(of: string, amount: number): Promise<z.infer<typeof invoiceView>> {
  const lines = [{ description: 'Usage', amount }]
  const made = await world.post('/v1/invoices', key, { customer: of, lines })
  const { id } = readAnswer(invoiceView, made, 201)
  return readAnswer(invoiceView, await world.post(`/v1/invoices/${id}/finalize`, key, {}))
}

async function remaining(of: string): Promise<Record<string, number>> {
  const list = await world.call('GET', `/v1/credit-grants?customer=${of}`, { key })
  return Object.fromEntries(
    readAnswer(listOf(grantView), list).data.map((found) => [found.name, found.remaining.amount]),
  )
}

const days = (n: number) => new Date(time + n * 86_400_000).toISOString()

describe('credit', () => {
  it('is drawn by priority, then by expiry, then by age', async () => {
    const of = await customer()
    await grant(of, 100, { name: 'later', priority: 60 })
    await grant(of, 100, { name: 'never' })
    await grant(of, 100, { name: 'soon', expires_at: days(10) })
    await grant(of, 100, { name: 'sooner', expires_at: days(5) })
    await grant(of, 100, { name: 'first', priority: 1 })
    expect(await invoiced(of, 250)).toMatchObject({ status: 'paid', credits_applied: { amount: 250 } })
    expect(await remaining(of)).toEqual({ first: 0, sooner: 0, soon: 50, never: 100, later: 100 })
    expect(await invoiced(of, 400)).toMatchObject({
      credits_applied: { amount: 250 },
      amount_due: { amount: 150 },
    })
  })

  it('whose time is over is not drawn, and ends as income, once', async () => {
    const of = await customer()
    const { id } = await grant(of, 300, { name: 'short', expires_at: days(1) })
    await invoiced(of, 100)
    time += 86_400_000
    expect(await invoiced(of, 50)).toMatchObject({ credits_applied: { amount: 0 } })
    const ended = await Promise.all([1, 2, 3].map(() => expireGrants(world.service.deps, new Date(time))))
    expect(ended.reduce((sum, one) => sum + one, 0)).toBe(1)
    const { json } = await world.call('GET', `/v1/credit-grants/${id}`, { key })
    expect(json).toMatchObject({ status: 'expired', remaining: { amount: 0 } })
    const balance = await world.call('GET', '/v1/ledger/trial-balance', { key })
    const [usd] = readAnswer(trialBalanceView, balance).currencies
    expect(usd?.rows.find(({ code }) => code === 'credit_breakage')?.credit).toBe(200)
  })

  it('expires however many others wait for a test clock that is behind', async () => {
    const now = new Date(time - 90 * 86_400_000).toISOString()
    const clock = await world.post('/v1/test-clocks', key, { name: 'behind', now })
    const body = { reference: `cred_${count++}`, test_clock: (clock.json as { id: string }).id }
    const behind = readAnswer(customerView, await world.post('/v1/customers', key, body), 201).id
    for (let day = 1; day <= 5; day++) {
      const expires = new Date(time - (60 + day) * 86_400_000).toISOString()
      await grant(behind, 10, { expires_at: expires })
    }
    const own = await grant(await customer(), 10, { expires_at: new Date(time + 1000).toISOString() })
    const later = new Date((time += 2000))
    await expireGrants(world.service.deps, later, 2)
    expect(await world.service.deps.store.get(creditGrants, own.id)).toMatchObject({ status: 'expired' })
  })

  it('is voided once, whoever asks, and not below what was drawn', async () => {
    const of = await customer()
    const { id } = await grant(of, 300)
    await invoiced(of, 100)
    const answers = await Promise.all(
      [1, 2, 3].map(() => world.post(`/v1/credit-grants/${id}/void`, key, {})),
    )
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409])
    expect(await invoiced(of, 10)).toMatchObject({ credits_applied: { amount: 0 } })
  })

  it('is refused without an amount, in the past, or beyond what is counted', async () => {
    const of = await customer()
    const bad = [
      [{ amount: 0 }, '/amount'],
      [{ amount: -5 }, '/amount'],
      [{ amount: 1.5 }, '/amount'],
      [{ amount: 1, expires_at: days(-1) }, '/expires_at'],
      [{ amount: 1, currency: 'EUR' }, '/currency'],
    ] as const
    for (const [body, pointer] of bad) {
      const problem = problemOf(await world.post('/v1/credit-grants', key, { customer: of, ...body }))
      expect(problem).toMatchObject({ status: 400, errors: [{ pointer }] })
    }
  })

  it('of another tenant, or another customer, is not there', async () => {
    const of = await customer()
    const { id } = await grant(of, 100)
    const others = [
      await world.keyOf({ tenant: 'acct_elsewhere' }),
      await world.keyOf({ tenant, role: 'developer', account: 'acct_nobody' }),
    ]
    for (const other of others) {
      expect((await world.call('GET', `/v1/credit-grants/${id}`, { key: other })).status).toBe(404)
      expect((await world.call('GET', `/v1/credit-grants?customer=${of}`, { key: other })).status).toBe(404)
      expect((await world.post(`/v1/credit-grants/${id}/void`, other, {})).status).toBeGreaterThanOrEqual(403)
    }
    const [foreign] = others
    expect((await world.post(`/v1/credit-grants/${id}/void`, foreign ?? '', {})).status).toBe(404)
    expect((await world.post('/v1/credit-grants', foreign ?? '', { customer: of, amount: 1 })).status).toBe(
      404,
    )
  })
})

describe('racing draws', () => {
  it('of two processes on one database never take more than there is, and never leave less than nothing', async () => {
    const database = await testDatabase()
    const collections = [creditGrants]
    const stores = [
      await openStore(database.url, { name: 'billing-one', collections }),
      await openStore(database.url, { name: 'billing-one', collections }),
    ]
    try {
      const [first] = stores
      if (!first) throw new Error('no store')
      let run = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.bigInt({ min: 1n, max: 500n }), { minLength: 1, maxLength: 4 }),
          fc.array(fc.bigInt({ min: 1n, max: 400n }), { minLength: 2, maxLength: 8 }),
          async (amounts, wants) => {
            const about = { tenant: 't', customer: `cus_${run++}`, currency: 'USD' }
            const at = new Date(time)
            await first.commit(
              amounts.map((amount, place) =>
                insert(creditGrants, {
                  ...about,
                  id: `${about.customer}_${place}`,
                  amount,
                  remaining: amount,
                  priority: place % 2,
                  name: 'x',
                  status: 'open',
                  createdAt: at,
                  auditId: 'aud_x',
                }),
              ),
            )
            const drawn = await Promise.all(
              wants.map(async (wanted, place) => {
                const store = stores[place % 2] ?? first
                return store.attempt(async () => {
                  const draw = await planDraw({ store }, about, wanted, at)
                  if (draw.writes.length > 0) await store.commit(draw.writes)
                  return draw.total
                })
              }),
            )
            let left = 0n
            for await (const found of first.scan(creditGrants.byCustomer, {
              equals: ['t', about.customer],
            })) {
              expect(found.remaining >= 0n).toBe(true)
              left += found.remaining
            }
            const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n)
            expect(sum(drawn) + left).toBe(sum(amounts))
            const wanted = sum(wants)
            expect(sum(drawn)).toBe(wanted < sum(amounts) ? wanted : sum(amounts))
          },
        ),
        { numRuns: 25 },
      )
    } finally {
      await Promise.all(stores.map((store) => store.close()))
      await database.drop()
    }
  })
})
