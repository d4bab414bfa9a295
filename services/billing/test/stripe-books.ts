import type { Stripe } from 'stripe'
import { invalid, ok } from './stripe-replies.ts'
import type { Reply } from './stripe-replies.ts'
import { StripeMeters } from './stripe-meters.ts'

/** What a card of the stand-in does. */
export interface Behavior {
  decline?: { code: string; advice?: string }
  authenticates?: boolean
}

type Failure = NonNullable<Stripe.PaymentIntent['last_payment_error']>
/** A payment intent as the stand-in keeps it: the published fields that a client may read. */
export type Intent = Pick<
  Stripe.PaymentIntent,
  | 'id'
  | 'object'
  | 'amount'
  | 'amount_capturable'
  | 'amount_received'
  | 'currency'
  | 'status'
  | 'created'
  | 'livemode'
> & {
  customer: string
  payment_method: string
  metadata: Record<string, string>
  last_payment_error: Partial<Failure> | null
  next_action: Pick<Stripe.PaymentIntent.NextAction, 'type' | 'redirect_to_url'> | null
  latest_charge: string | null
}
type Refund = Pick<
  Stripe.Refund,
  'id' | 'object' | 'amount' | 'currency' | 'created' | 'status' | 'failure_reason'
> & {
  payment_intent: string
  metadata: Record<string, string>
}

/** A dispute as the stand-in keeps it. */
export type Dispute = Pick<
  Stripe.Dispute,
  | 'id'
  | 'object'
  | 'amount'
  | 'currency'
  | 'created'
  | 'livemode'
  | 'reason'
  | 'status'
  | 'is_charge_refundable'
> & {
  charge: string | null
  payment_intent: string
  balance_transactions: Pick<
    Stripe.BalanceTransaction,
    'id' | 'object' | 'amount' | 'currency' | 'fee' | 'net' | 'type'
  >[]
}

/** The stand-in's own books: customers, methods, intents, refunds, and the rules by which they change. */
export class StripeBooks {
  readonly methods = new Map<string, Behavior & { customer?: string }>()
  readonly customers = new Set<string>()
  readonly intents = new Map<string, Intent>()
  readonly refunds = new Map<string, Refund>()
  readonly disputes = new Map<string, Dispute>()
  readonly meters: StripeMeters
  readonly #now: () => Date
  #count = 0

  constructor(now: () => Date) {
    this.#now = now
    this.meters = new StripeMeters(this.customers, () => this.seconds())
  }

  id(prefix: string): string {
    return `${prefix}_${String(++this.#count).padStart(14, '0')}`
  }

  seconds(): number {
    return Math.floor(this.#now().getTime() / 1000)
  }

  attach(id: string, customer: string): Reply {
    const method = this.methods.get(id)
    if (!method || !this.customers.has(customer)) return invalid('resource_missing', 'No such object', 404)
    if (method.customer !== undefined && method.customer !== customer)
      return invalid('payment_method_unexpected_state', 'Attached to another customer')
    method.customer = customer
    const card = { brand: 'visa', last4: '4242', exp_month: 12, exp_year: 2030 }
    return ok({ id, object: 'payment_method', type: 'card', customer, card })
  }

  create(params: {
    amount: number
    currency: string
    customer: string
    payment_method: string
    off_session: string
    metadata: Record<string, string>
  }): Reply {
    const { amount, currency, customer, payment_method, metadata } = params
    if (this.methods.get(payment_method)?.customer !== customer)
      return invalid('resource_missing', 'The method is not the customer’s')
    const intent: Intent = {
      id: this.id('pi'),
      object: 'payment_intent',
      amount,
      amount_capturable: 0,
      amount_received: 0,
      currency,
      status: 'requires_payment_method',
      created: this.seconds(),
      livemode: false,
      customer,
      payment_method,
      metadata,
      last_payment_error: null,
      next_action: null,
      latest_charge: null,
    }
    this.intents.set(intent.id, intent)
    return this.confirm(intent.id, { off_session: params.off_session })
  }

  confirm(id: string, { off_session, return_url = '' }: { off_session: string; return_url?: string }): Reply {
    const intent = this.intents.get(id)
    if (!intent) return invalid('resource_missing', 'No such payment_intent', 404)
    if (intent.status !== 'requires_payment_method') return unexpected(intent)
    const { decline, authenticates } = this.methods.get(intent.payment_method) ?? {}
    if (decline) return this.#fail(intent, 'card_declined', decline)
    if (authenticates && off_session === 'true')
      return this.#fail(intent, 'authentication_required', { code: 'authentication_required' })
    if (authenticates) {
      intent.status = 'requires_action'
      const url = `https://hooks.stripe.com/redirect/authenticate/${id}`
      intent.next_action = { type: 'redirect_to_url', redirect_to_url: { url, return_url } }
      intent.last_payment_error = null
      return ok(intent)
    }
    return ok(this.#hold(intent))
  }

  /** What the buyer does at the bank's page. */
  authenticate(id: string, passes: boolean): void {
    const intent = this.intents.get(id)
    if (intent?.status !== 'requires_action') throw new Error(`${id} waits for no authentication`)
    intent.next_action = null
    if (passes) this.#hold(intent)
    else this.#fail(intent, 'payment_intent_authentication_failure', { code: '' })
  }

  capture(id: string, amount: number): Reply {
    const intent = this.intents.get(id)
    if (!intent) return invalid('resource_missing', 'No such payment_intent', 404)
    if (intent.status !== 'requires_capture') return unexpected(intent)
    if (amount > intent.amount_capturable) return invalid('amount_too_large', 'More than is held')
    return ok(Object.assign(intent, { status: 'succeeded', amount_received: amount, amount_capturable: 0 }))
  }

  cancel(id: string): Reply {
    const intent = this.intents.get(id)
    if (!intent) return invalid('resource_missing', 'No such payment_intent', 404)
    if (intent.status === 'succeeded' || intent.status === 'canceled') return unexpected(intent)
    return ok(Object.assign(intent, { status: 'canceled', amount_capturable: 0, next_action: null }))
  }

  refund(params: { payment_intent: string; amount: number; metadata: Record<string, string> }): Reply {
    const intent = this.intents.get(params.payment_intent)
    if (!intent) return invalid('resource_missing', 'No such payment_intent', 404)
    const left = intent.amount_received - this.refunded(intent.id)
    if (intent.status !== 'succeeded' || left === 0)
      return invalid('charge_already_refunded', 'Nothing is left to refund')
    if (params.amount > left) return invalid('amount_too_large', 'More than is left')
    const { currency } = intent
    const refund: Refund = {
      ...params,
      id: this.id('re'),
      object: 'refund',
      currency,
      created: this.seconds(),
      status: 'succeeded',
    }
    this.refunds.set(refund.id, refund)
    return ok(refund)
  }

  /** The bank sends a refund back, however long after it succeeded. */
  failRefund(id: string): Refund {
    const refund = this.refunds.get(id)
    if (!refund) throw new Error(`there is no refund ${id}`)
    return Object.assign(refund, { status: 'failed', failure_reason: 'expired_or_canceled_card' })
  }

  /** A buyer contests a payment; the bank takes nothing yet. */
  dispute(intent: Intent, amount: number, status: Dispute['status'] = 'needs_response'): Dispute {
    const { currency, latest_charge: charge, id: payment_intent } = intent
    const dispute: Dispute = {
      id: this.id('dp'),
      object: 'dispute',
      amount,
      currency,
      created: this.seconds(),
      livemode: false,
      reason: 'fraudulent',
      status,
      is_charge_refundable: false,
      charge,
      payment_intent,
      balance_transactions: [],
    }
    this.disputes.set(dispute.id, dispute)
    return dispute
  }

  /** The bank takes (negative) or gives back what is contested; the fee is in the currency of the balance. */
  moveDisputed(dispute: Dispute, amount: number, { fee = 0, currency = dispute.currency } = {}): void {
    const id = this.id('txn')
    const about = { object: 'balance_transaction' as const, type: 'adjustment' as const }
    dispute.balance_transactions.push({ ...about, id, amount, currency, fee, net: amount - fee })
  }

  refunded(intent: string): number {
    const of = [...this.refunds.values()].filter(
      ({ payment_intent: one, status }) => one === intent && status === 'succeeded',
    )
    return of.reduce((sum, { amount }) => sum + amount, 0)
  }

  /** Intents that were made for one of our payments. */
  intentsOf(payment: string): Intent[] {
    return [...this.intents.values()].filter(({ metadata }) => metadata['payment'] === payment)
  }

  #hold(intent: Intent): Intent {
    const latest_charge = this.id('ch')
    return Object.assign(intent, {
      status: 'requires_capture',
      amount_capturable: intent.amount,
      last_payment_error: null,
      latest_charge,
    })
  }

  #fail(
    intent: Intent,
    code: NonNullable<Failure['code']>,
    decline: NonNullable<Behavior['decline']>,
  ): Reply {
    const about = {
      code,
      decline_code: decline.code,
      message: 'Your card was declined.',
      type: 'card_error' as const,
    }
    intent.status = 'requires_payment_method'
    intent.last_payment_error = { ...about, ...(decline.advice && { advice_code: decline.advice }) }
    return { status: 402, body: { error: { ...intent.last_payment_error, payment_intent: { ...intent } } } }
  }
}

function unexpected({ status }: Intent): Reply {
  return invalid('payment_intent_unexpected_state', `The payment intent is ${status}`)
}
