import { hash } from 'node:crypto'
import { derivedId, Fault } from '@tallystick/protocol'
import type { z } from 'zod'
import type { payments, PaymentStatus } from './collections.ts'
import type { Settled } from './payment-provider.ts'

/** A payment as it is stored, without its version. */
export type Payment = z.infer<typeof payments.schema>
/** What is being asked of the provider. */
export type Intent = NonNullable<Payment['intent']>
/** What is to be asked of the provider. */
export type Wanted = Pick<Intent, 'action' | 'amount' | 'refund'> & {
  /** The request that asks; see requestName. */
  request?: string | undefined
}

/** The customer's time, which its test clock may move, and the machine's. */
export interface Times {
  at: Date
  now: Date
}

/** From which states each thing can be asked for. */
const allowed: Readonly<Record<Exclude<Intent['action'], 'authorize'>, readonly PaymentStatus[]>> = {
  capture: ['authorized'],
  void: ['authorized', 'requires_action'],
  refund: ['captured', 'partially_refunded'],
}

const waiting: Readonly<Record<Intent['action'], PaymentStatus>> = {
  authorize: 'authorizing',
  capture: 'capturing',
  void: 'voiding',
  refund: 'refunding',
}

const holdDays = 7
const dayMs = 86_400_000
// Longer than a request can take with all that it asks of a provider, so the job finds only what was left behind.
const firstLookMs = 60_000
const longestLookMs = 3_600_000

/** When a payment without an answer is looked up next: after 1, 1, 2, 4 … 60 minutes. */
export function lookAgainAt(now: Date, looks: number): Date {
  return new Date(
    now.getTime() + Math.min(longestLookMs, firstLookMs * 2 ** Math.max(0, Math.min(looks, 10) - 1)),
  )
}

/** Whether a payment in this state can be asked for it. */
export function permits({ status }: Payment, action: Intent['action']): boolean {
  return action === 'authorize' || allowed[action].includes(status)
}

/**
 * The payment with an intent to be carried out. Throws Fault `invalid_state` where the payment's state does not allow
 * it, and `validation_failed` for an amount beyond what is held or left.
 */
export function withIntent(payment: Payment, wanted: Wanted, times: Times): Payment & { intent: Intent } {
  const { action, amount } = wanted
  if (action !== 'authorize' && !permits(payment, action)) {
    const from = allowed[action].join(' or ')
    throw new Fault('invalid_state', {
      detail: `A payment that is ${payment.status} cannot be asked to ${action}; it must be ${from}`,
    })
  }
  const most = action === 'refund' ? leftToRefund(payment) : payment.amount
  if (amount > most || amount <= 0n) {
    const what = action === 'refund' ? 'captured and neither refunded nor disputed' : 'held'
    throw new Fault('validation_failed', {
      errors: [
        { pointer: '/amount', message: `must be from 1 to ${most}: what is ${what}`, fix: 'Ask for less.' },
      ],
    })
  }
  return intended(payment, wanted, times)
}

/** The payment with an intent, whether or not it could be asked for: for what was done already. */
export function intended(
  payment: Payment,
  { request, ...wanted }: Wanted,
  { at, now }: Times,
): Payment & { intent: Intent } {
  const { action, refund } = wanted
  // A capture that was declined may be asked for again, of another amount: that is another deed.
  const deeds = payment.deeds + (action === 'capture' || action === 'void' ? 1 : 0)
  const own = action === 'authorize' ? [] : [refund ?? String(deeds)]
  const key = [payment.id, action, ...own].join(':')
  const intent = { ...wanted, key, since: now, looks: 0 }
  const { actionUrl: _, ...rest } = payment
  const asked = request === undefined ? {} : { lastRequest: requestName(action, request) }
  const status = waiting[action]
  return { ...rest, ...asked, status, deeds, intent, lookAt: lookAgainAt(now, 0), updatedAt: at }
}

/** How a payment names what a request has asked of it. */
export function requestName(action: Intent['action'] | 'confirm', request: string): string {
  return `${action} ${request}`
}

/** The payment after the provider's answer to its intent. Pure; what it moves is booked by the caller. */
export function afterAnswer(
  payment: Payment & { intent: Intent },
  answer: Exclude<Settled, { outcome: 'superseded' }>,
  { at, now }: Times,
): Payment {
  const { intent, failure: _failure, lookAt: _lookAt, actionUrl: _actionUrl, ...rest } = payment
  const settled = { ...rest, updatedAt: at }
  const known = answer.reference === undefined ? {} : { providerReference: answer.reference }
  if (answer.outcome === 'declined') {
    const { code, hard, message } = answer
    return { ...settled, failure: { code, hard, message }, status: declined(payment) }
  }
  if (answer.outcome === 'requires_action') {
    // The intent stays: what became of it is looked up under its key once the buyer has acted.
    const { actionUrl } = answer
    const lookAt = lookAgainAt(now, 0)
    return { ...settled, ...known, intent, lookAt, actionUrl, status: 'requires_action' }
  }
  const holdMs = answer.holdUntil ? answer.holdUntil.getTime() - now.getTime() : holdDays * dayMs
  return { ...settled, ...known, ...achieved(payment, at, holdMs) }
}

/** What changes when the provider has done what it was asked for. */
function achieved(
  { intent, expiresAt, ...payment }: Payment & { intent: Intent },
  at: Date,
  holdMs: number,
): Partial<Payment> {
  const { action, amount } = intent
  if (action === 'authorize') return { status: 'authorized', expiresAt: new Date(at.getTime() + holdMs) }
  if (action === 'capture') return { status: 'captured', captured: amount }
  if (action === 'void') return { status: expiresAt && expiresAt <= at ? 'expired' : 'voided' }
  const refunded = payment.refunded + amount
  return { refunded, status: statusAtRest({ ...payment, refunded }) }
}

/** Where a payment stands that was captured and asks for nothing, by what became of its money. */
export function statusAtRest({
  captured,
  refunded,
  disputed = 0n,
  chargedBack = 0n,
}: Pick<Payment, 'captured' | 'refunded' | 'disputed' | 'chargedBack'>): PaymentStatus {
  if (disputed > 0n) return 'disputed'
  const isGone = refunded + chargedBack >= captured
  if (isGone && chargedBack > 0n) return 'charged_back'
  if (refunded === 0n) return 'captured'
  return isGone ? 'refunded' : 'partially_refunded'
}

/** What of a payment can still be given back. */
export function leftToRefund({ captured, refunded, disputed = 0n, chargedBack = 0n }: Payment): bigint {
  const left = captured - refunded - disputed - chargedBack
  return left > 0n ? left : 0n
}

/** The id of the payment that is made under a name: the same name is the same payment. */
export function paymentIdOf(tenant: string, name: string): string {
  return derivedId('payment', hash('sha256', JSON.stringify([tenant, name])))
}

/** Where a payment stands after its provider said no. */
function declined({ intent, expiresAt, ...payment }: Payment): PaymentStatus {
  if (intent?.action === 'capture') return 'authorized'
  if (intent?.action === 'void') return expiresAt ? 'authorized' : 'failed'
  if (intent?.action === 'refund') return statusAtRest(payment)
  return 'failed'
}
