import type { Caller } from '@tallystick/runtime'
import { readAnswer } from '@tallystick/runtime/test-http'
import { testDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startStripeServer } from '../../test/stripe-server.ts'
import type { Fault, StripeServer } from '../../test/stripe-server.ts'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customers } from '../customers/collections.ts'
import { customerView } from '../customers/schemas.ts'
import type { Deps } from '../deps.ts'
import { checkLedger } from '../ledger/check-ledger.ts'
import { ledgerAccounts } from '../ledger/collections.ts'
import { ledgerAccountIdOf } from '../ledger/post-journal.ts'
import { authorize } from './authorize-payment.ts'
import { capturePayment, refundPayment, voidPayment } from './change-payment.ts'
import { payments } from './collections.ts'
import type { Payment } from './payment-machine.ts'
import type { PaymentProvider, ProviderDeed, ProviderResult } from './payment-provider.ts'
import { resolvePayments } from './resolve-payments.ts'
import { sandboxHolds } from './sandbox-provider.ts'

type Action = ProviderDeed['action']
type Trouble = Fault | 'killed before' | 'killed after'

const actions: readonly Action[] = ['authorize', 'capture', 'void', 'refund']
const troubles: readonly Trouble[] = [
  'request lost',
  'answer lost',
  '500 before',
  '500 after',
  'timeout before',
  'timeout after',
  '409',
  '429',
  'killed before',
  'killed after',
]
const tenant = 'acct_faults'
const caller: Caller = {
  tenant,
  account: tenant,
  role: 'operator',
  keyId: 'key_test',
  scopes: [],
  livemode: false,
  plan: 'standard',
}

let time = Date.UTC(2026, 2, 1)
const entropy = { now: () => new Date(time) }
let world: BillingWorld
let key: string
let count = 0

/** What the rail itself holds of the payments of this test. */
interface Books {
  /** How often money was held for a payment, and what of it is held, taken and given back. */
  of(payment: Payment): Promise<{ holds: number; held: bigint; captured: bigint; refunded: bigint }>
}

async function newCustomer(token: string) {
  const body = { reference: `dev_${count++}`, payment_method: token }
  const { id } = readAnswer(customerView, await world.post('/v1/customers', key, body), 201)
  const customer = await world.service.deps.store.get(customers, id)
  if (!customer) throw new Error('no customer')
  return customer
}

async function read({ id }: Payment) {
  const payment = await world.service.deps.store.get(payments, id)
  if (!payment) throw new Error('no payment')
  return payment
}

const killed = new Error('killed')

/** Deps whose provider dies with the process around one deed, or whose network fails there. */
function troubled(trouble: Trouble, action: Action): Deps {
  const { deps } = world.service
  let done = false
  const provider: PaymentProvider = {
    ...deps.provider,
    async perform(deed): Promise<ProviderResult> {
      if (done || deed.action !== action) return deps.provider.perform(deed)
      done = true
      const after = trouble.endsWith('after') || trouble === 'answer lost'
      if (after) await deps.provider.perform(deed)
      if (trouble.startsWith('killed')) throw killed
      return { outcome: 'unknown', message: trouble }
    },
  }
  return { ...deps, provider }
}

async function survive<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (error !== killed) throw error
    return undefined
  })
}

/** Lets time pass until the payment waits for no answer; more than a day, for failures that are kept so long. */
async function settle(payment: Payment): Promise<Payment> {
  for (let round = 0; round < 14; round++) {
    const stored = await read(payment)
    if (!stored.intent) return stored
    time += 3 * 3_600_000
    await resolvePayments(world.service.deps)
  }
  throw new Error('the payment is never settled')
}

/** Takes a payment up to where `action` can be asked for, then asks for it amid the trouble, twice. */
async function ask(deps: Deps, token: string, action: Action, arm: () => void): Promise<Payment> {
  const customer = await newCustomer(token)
  const name = `faults:${count}`
  const hold = (of: Deps) =>
    authorize(of, { name, tenant, customer, amount: 1000n, currency: 'USD', metadata: {} })
  if (action === 'authorize') {
    arm()
    await survive(hold(deps))
    return hold(world.service.deps)
  }
  const held = await hold(world.service.deps)
  if (action === 'refund') await capturePayment(world.service.deps, await read(held), 600n)
  arm()
  const again = async (of: Deps): Promise<void> => {
    const payment = await read(held)
    if (action === 'capture' && payment.status !== 'captured') await capturePayment(of, payment, 600n)
    if (action === 'void' && payment.status !== 'voided') await voidPayment(of, payment)
    if (action === 'refund')
      await refundPayment(of, caller, name, {
        payment: held.id,
        amount: 200,
        reason: 'x',
        revoke_license: false,
      })
  }
  await survive(again(deps))
  await again(world.service.deps)
  return read(held)
}

const expected: Readonly<Record<Action, object>> = {
  authorize: { status: 'authorized', captured: 0n },
  capture: { status: 'captured', captured: 600n, refunded: 0n },
  void: { status: 'voided', captured: 0n },
  refund: { status: 'partially_refunded', captured: 600n, refunded: 200n },
}

const settled: Payment[] = []
async function expectAgreement(asked: Payment, action: Action, books: Books): Promise<void> {
  const payment = await settle(asked)
  const failed = action === 'authorize' && payment.status === 'failed'
  if (!failed) expect(payment).toMatchObject(expected[action])
  const theirs = await books.of(payment)
  expect(theirs).toEqual({
    holds: failed ? 0 : 1,
    held: payment.status === 'authorized' ? payment.amount : 0n,
    captured: payment.captured,
    refunded: payment.refunded,
  })
  settled.push(payment)
}

/** The ledger has what the payments of the rail have moved, to the cent. */
async function expectBooksInOrder(): Promise<void> {
  const { deps } = world.service
  expect(await checkLedger(deps, tenant)).toMatchObject({ unbalanced: [], differences: [] })
  const clearing = ledgerAccountIdOf(tenant, { code: 'processor_clearing', currency: 'USD' })
  const kept = (await deps.store.get(ledgerAccounts, clearing))?.balance ?? 0n
  expect(kept).toBe(settled.reduce((sum, { captured, refunded }) => sum + captured - refunded, 0n))
  settled.length = 0
}

describe('whatever happens to a request, money moves once or not at all: the sandbox', () => {
  beforeAll(async () => {
    world = await startBillingWorld({ entropy })
    key = await world.keyOf({ tenant })
  })
  afterAll(() => world.close())

  const books: Books = {
    async of({ providerReference }) {
      const hold = await world.service.deps.store.get(sandboxHolds, providerReference ?? '')
      const { state, amount = 0n, captured = 0n, refunded = 0n } = hold ?? {}
      return { holds: hold ? 1 : 0, held: state === 'held' ? amount : 0n, captured, refunded }
    },
  }

  for (const action of actions) {
    it.each(troubles)(`${action}: %s`, async (trouble) => {
      const payment = await ask(troubled(trouble, action), '4242424242424242', action, () => {})
      await expectAgreement(payment, action, books)
    })
    it.each(['4000000000000135', '4000000000000143'])(`${action}: card %s`, async (card) => {
      // These cards lose something of every deed, so each deed needs its own look.
      const { deps } = world.service
      const customer = await newCustomer(card)
      const wanted = { name: `card:${count}`, tenant, customer, amount: 1000n, currency: 'USD', metadata: {} }
      const held = await authorize(deps, wanted)
      await settle(held)
      if (action === 'capture' || action === 'refund') await capturePayment(deps, await read(held), 600n)
      if (action === 'void') await voidPayment(deps, await read(held))
      await settle(held)
      const input = { payment: held.id, amount: 200, reason: 'x', revoke_license: false }
      if (action === 'refund') await refundPayment(deps, caller, `card:${count}`, input)
      await expectAgreement(held, action, books)
    })
  }
  it('the books agree', expectBooksInOrder)
})

describe('whatever happens to a request, money moves once or not at all: Stripe', () => {
  let stripe: StripeServer
  beforeAll(async () => {
    stripe = await startStripeServer(entropy.now)
    const env = { STRIPE_SECRET_KEY: 'sk_test_local', STRIPE_API_BASE: stripe.url, STRIPE_TIMEOUT_MS: '150' }
    world = await startBillingWorld({ entropy, env })
    key = await world.keyOf({ tenant })
  })
  afterAll(async () => {
    await world.close()
    await stripe.close()
  })

  const books: Books = {
    async of({ id }) {
      const intents = stripe.books.intentsOf(id)
      const sum = (part: (intent: (typeof intents)[number]) => number) =>
        BigInt(intents.reduce((total, intent) => total + part(intent), 0))
      return {
        holds: intents.filter(({ latest_charge }) => latest_charge !== null).length,
        held: sum((intent) => intent.amount_capturable),
        captured: sum((intent) => intent.amount_received),
        refunded: sum((intent) => stripe.books.refunded(intent.id)),
      }
    },
  }
  const routes = {
    authorize: 'POST /v1/payment_intents',
    capture: 'POST /v1/payment_intents/:id/capture',
    void: 'POST /v1/payment_intents/:id/cancel',
    refund: 'POST /v1/refunds',
  } as const

  for (const action of actions) {
    it.each(troubles)(`${action}: %s`, async (trouble) => {
      const dies = trouble === 'killed before' || trouble === 'killed after'
      const deps = dies ? troubled(trouble, action) : world.service.deps
      const payment = await ask(deps, stripe.card(), action, () => {
        if (!dies) stripe.fail(routes[action], trouble)
      })
      await expectAgreement(payment, action, books)
    })
  }
  it('while Stripe is away nothing is decided, and nothing is asked for twice', async () => {
    for (const action of actions) {
      const payment = await ask(
        troubled('killed after', action),
        stripe.card(),
        action,
        () => (stripe.down = true),
      ).catch((error: unknown) => error)
      expect(payment).not.toBeInstanceOf(Error)
      stripe.down = false
      await expectAgreement(payment as Payment, action, books)
    }
  })
  it('the books agree, and every request was one that Stripe takes', async () => {
    await expectBooksInOrder()
    expect(stripe.violations).toEqual([])
  })
})

it('two processes on one database resolve the same payments once', async () => {
  const database = await testDatabase()
  const env = { DATABASE_URL: database.url }
  world = await startBillingWorld({ entropy, env })
  const other = await startBillingWorld({ entropy, env })
  key = await world.keyOf({ tenant })
  const held: Payment[] = []
  for (let n = 0; n < 5; n++) {
    const customer = await newCustomer('4242424242424242')
    const wanted = { name: `two:${n}`, tenant, customer, amount: 1000n, currency: 'USD', metadata: {} }
    const payment = await authorize(world.service.deps, wanted)
    await survive(capturePayment(troubled('killed after', 'capture'), await read(payment), undefined))
    held.push(payment)
  }
  time += 3_600_000
  await Promise.all([world, other, world, other].map(({ service }) => resolvePayments(service.deps)))
  for (const payment of held) {
    expect(await settle(payment)).toMatchObject({ status: 'captured', captured: 1000n })
    settled.push(await read(payment))
  }
  await expectBooksInOrder()
  await other.close()
  await world.close()
  await database.drop()
})
