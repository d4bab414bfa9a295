import type { Store } from '@tallystick/storage'
import { Stripe } from 'stripe'
import type {
  PaymentProvider,
  ProviderDeed,
  ProviderFinding,
  ProviderResult,
} from '../payments/payment-provider.ts'
import { attachMethod, readMethod } from './attach-method.ts'
import { readDecline } from './decline-codes.ts'
import { answerOf, askAnew, endedOf, heldOf, isRefusal, refundedOf, unknownOf } from './stripe-answers.ts'
import { toStripeAmount } from './stripe-amounts.ts'

/** What the provider is made from. */
export interface StripeDeps {
  store: Store
  stripe: Stripe
  now: () => Date
  /** Where a buyer's bank sends the buyer after authentication. */
  returnUrl: string
}

type Perform = (deps: StripeDeps, deed: ProviderDeed, amount: number) => Promise<ProviderResult>

const hourMs = 3_600_000
// Stripe forgets keys after 24 hours; these leave room for clocks that differ.
const keyLivesMs = 23 * hourMs
const keyIsGoneMs = 25 * hourMs
const expand = ['latest_charge']

/**
 * Payments through Stripe: intents with manual capture, refunds. Stripe keeps the first answer to a key for a day,
 * failures too, so it is not the keys but Stripe's own objects, marked with the deed, that tell what happened.
 */
export function stripeProvider(deps: StripeDeps): PaymentProvider {
  return {
    name: 'stripe',
    attachMethod: (input) => attachMethod(deps, input),
    async perform(deed) {
      const amount = toStripeAmount(deed.amount, deed.currency)
      if (amount === undefined) return inexpressible
      try {
        return await performs[deed.action](deps, deed, amount)
      } catch (error) {
        return unknownOf(error)
      }
    },
    async lookUp(deed) {
      try {
        return await lookUps[deed.action](deps, deed)
      } catch (error) {
        return { known: 'unsure', message: unknownOf(error).message }
      }
    },
  }
}

const performs: Readonly<Record<ProviderDeed['action'], Perform>> = {
  async authorize(deps, deed, amount) {
    const { customer, method } = readMethod(deed.method)
    try {
      const intent = await deps.stripe.paymentIntents.create(
        {
          amount,
          currency: deed.currency.toLowerCase(),
          customer,
          payment_method: method,
          allowed_payment_method_types: ['card'],
          capture_method: 'manual',
          confirm: true,
          off_session: true,
          metadata: metadataOf(deed),
          expand,
        },
        { idempotencyKey: deed.key },
      )
      return answerOf(heldOf(intent))
    } catch (error) {
      if (isCardError(error)) {
        const intent = error.payment_intent
        if (!intent) return { outcome: 'declined', ...readDecline(error) }
        return answerOf(await heldOrAsked(deps, deed, intent))
      }
      // What is wrong with the request itself stays wrong, as a method that is gone.
      if (isRefusal(error)) return { outcome: 'declined', ...readDecline(error), hard: true }
      throw error
    }
  },

  capture: (deps, deed, amount) =>
    once(deed, async (idempotencyKey) => {
      const params = { amount_to_capture: amount }
      return deps.stripe.paymentIntents.capture(referenceOf(deed), params, { idempotencyKey })
    }).catch((error: unknown) => refusedEnd(deps, deed, error)),

  void: (deps, deed) =>
    once(deed, async (idempotencyKey) =>
      deps.stripe.paymentIntents.cancel(referenceOf(deed), {}, { idempotencyKey }),
    ).catch((error: unknown) => refusedEnd(deps, deed, error)),

  async refund(deps, deed, amount) {
    const payment_intent = referenceOf(deed)
    try {
      const params = { payment_intent, amount, metadata: metadataOf(deed) }
      const refund = await deps.stripe.refunds.create(params, { idempotencyKey: deed.key })
      return answerOf(refundedOf(refund, payment_intent))
    } catch (error) {
      if (isCardError(error) || isRefusal(error))
        return { outcome: 'declined', ...readDecline(error), hard: true }
      throw error
    }
  },
}

const lookUps: Readonly<
  Record<ProviderDeed['action'], (deps: StripeDeps, deed: ProviderDeed) => Promise<ProviderFinding>>
> = {
  async authorize(deps, deed) {
    const intent = await findIntent(deps, deed)
    const age = ageOf(deps, deed)
    if (intent) {
      const finding = await heldOrAsked(deps, deed, intent)
      if (finding.known !== 'unsure' || age < keyIsGoneMs) return finding
      // Stripe stopped half-way: what was never confirmed is ended, so that it can hold nothing later.
      return heldOf(
        await deps.stripe.paymentIntents.cancel(intent.id, {}, { idempotencyKey: `${deed.key}:end` }),
      )
    }
    if (age < keyLivesMs) return { known: 'nothing' }
    if (age < keyIsGoneMs) return { known: 'unsure', message: 'The key may be forgotten' }
    // Nobody wants a hold that is a day late: it never was, and it is not asked for any more.
    const message = 'The provider did not answer for a day'
    return { known: 'deed', result: { outcome: 'declined', code: 'never_answered', hard: false, message } }
  },
  capture: readEnd,
  void: readEnd,
  async refund(deps, deed) {
    const payment_intent = referenceOf(deed)
    for await (const refund of deps.stripe.refunds.list({ payment_intent, limit: 100 })) {
      if (refund.metadata?.['deed'] === deed.key) return refundedOf(refund, payment_intent)
    }
    const age = ageOf(deps, deed)
    if (age >= keyLivesMs && age < keyIsGoneMs)
      return { known: 'unsure', message: 'The key may be forgotten' }
    return { known: 'nothing' }
  },
}

const inexpressible: ProviderResult = {
  outcome: 'declined',
  code: 'amount_not_payable',
  hard: true,
  message: 'Stripe moves no such fraction of this currency',
}

/**
 * The deed's own intent: by its name, or among those of its customer since it was asked for. Lists are complete at
 * once, which Stripe does not promise of its search.
 */
async function findIntent(
  { stripe }: StripeDeps,
  deed: ProviderDeed,
): Promise<Stripe.PaymentIntent | undefined> {
  if (deed.reference !== undefined) return stripe.paymentIntents.retrieve(deed.reference, { expand })
  const { customer } = readMethod(deed.method)
  const gte = Math.floor((deed.since.getTime() - hourMs) / 1000)
  for await (const intent of stripe.paymentIntents.list({
    customer,
    created: { gte },
    limit: 100,
    expand: ['data.latest_charge'],
  })) {
    if (intent.metadata['deed'] === deed.key) return intent
  }
  return undefined
}

/**
 * What an intent says; one that its bank wants authenticated, which cannot be without the buyer, is confirmed again as
 * with the buyer present, and so gets an address where the buyer does it.
 */
async function heldOrAsked(
  { stripe, returnUrl: return_url }: StripeDeps,
  deed: ProviderDeed,
  intent: Stripe.PaymentIntent,
): Promise<ProviderFinding> {
  const asks = intent.last_payment_error?.code === 'authentication_required'
  if (intent.status !== 'requires_payment_method' || !asks) return heldOf(intent)
  const { method: payment_method } = readMethod(deed.method)
  try {
    const params = { payment_method, off_session: false, return_url, expand }
    const confirmed = await askAnew(`${deed.key}:authenticate`, async (idempotencyKey) =>
      stripe.paymentIntents.confirm(intent.id, params, { idempotencyKey }),
    )
    return heldOf(confirmed)
  } catch (error) {
    if (!isCardError(error)) throw error
    const reference = intent.id
    return { known: 'deed', result: { outcome: 'declined', reference, ...readDecline(error) } }
  }
}

/** Captures and cancels, once whatever the key: Stripe does either only to an intent that is held. */
async function once(
  deed: ProviderDeed,
  ask: (idempotencyKey: string) => Promise<Stripe.PaymentIntent>,
): Promise<ProviderResult> {
  return answerOf(endedOf(await askAnew(deed.key, ask), deed))
}

/** A refusal is told by the state of the intent; where that would allow the deed, the refusal stands. */
async function refusedEnd(deps: StripeDeps, deed: ProviderDeed, error: unknown): Promise<ProviderResult> {
  if (!isRefusal(error) && !isCardError(error)) throw error
  const finding = await readEnd(deps, deed)
  if (finding.known !== 'nothing' || deed.action === 'void') return answerOf(finding)
  return { outcome: 'declined', ...readDecline(error) }
}

async function readEnd({ stripe }: StripeDeps, deed: ProviderDeed): Promise<ProviderFinding> {
  return endedOf(await stripe.paymentIntents.retrieve(referenceOf(deed)), deed)
}

function metadataOf({ tenant, payment, key }: ProviderDeed): Record<string, string> {
  return { tenant, payment, deed: key }
}

function referenceOf({ reference, payment }: ProviderDeed): string {
  if (reference === undefined) throw new Error(`The payment ${payment} has no reference at Stripe`)
  return reference
}

function ageOf({ now }: StripeDeps, { since }: ProviderDeed): number {
  return now().getTime() - since.getTime()
}

function isCardError(error: unknown): error is Stripe.errors.StripeCardError {
  return error instanceof Stripe.errors.StripeCardError
}
