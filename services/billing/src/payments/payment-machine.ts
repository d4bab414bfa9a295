import { Fault } from '@tallystick/protocol'
import type { z } from 'zod'
import type { payments, PaymentStatus } from './collections.ts'
import type { ProviderResult } from './payment-provider.ts'

/** A payment as it is stored, without its version. */
export type Payment = z.infer<typeof payments.schema>
/** What is being asked of the provider. */
export type Intent = NonNullable<Payment['intent']>
/** An answer that says what happened. */
export type Settled = Exclude<ProviderResult, { outcome: 'unknown' }>

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

/**
 * The payment with an intent to be carried out. Throws Fault `invalid_state` where the payment's state does not allow
 * it, and `validation_failed` for an amount beyond what is held or left.
 */
export function withIntent(
  payment: Payment,
  intent: Omit<Intent, 'key' | 'since'>,
  at: Date,
): Payment & { intent: Intent } {
  const { action, amount } = intent
  if (action !== 'authorize' && !allowed[action].includes(payment.status)) {
    const from = allowed[action].join(' or ')
    throw new Fault('invalid_state', {
      detail: `A payment that is ${payment.status} cannot be asked to ${action}; it must be ${from}`,
    })
  }
  const most = action === 'refund' ? payment.captured - payment.refunded : payment.amount
  if (amount > most || amount <= 0n) {
    const what = action === 'refund' ? 'captured and not refunded' : 'held'
    throw new Fault('validation_failed', {
      errors: [
        { pointer: '/amount', message: `must be from 1 to ${most}: what is ${what}`, fix: 'Ask for less.' },
      ],
    })
  }
  const key = [payment.id, action, intent.refund].filter((part) => part !== undefined).join(':')
  return { ...payment, status: waiting[action], intent: { ...intent, key, since: at }, updatedAt: at }
}

/** The payment after the provider's answer to its intent. Pure; what it moves is booked by the caller. */
export function afterAnswer(payment: Payment & { intent: Intent }, answer: Settled, at: Date): Payment {
  const { intent, failure: _, ...rest } = payment
  const settled = { ...rest, updatedAt: at }
  const known = answer.reference === undefined ? {} : { providerReference: answer.reference }
  if (answer.outcome === 'declined') {
    const { code, hard, message } = answer
    return { ...settled, failure: { code, hard, message }, status: declined(payment) }
  }
  if (answer.outcome === 'requires_action') {
    // The intent stays: what became of it is looked up under its key once the buyer has acted.
    return { ...settled, ...known, intent, status: 'requires_action' }
  }
  return { ...settled, ...known, ...achieved(payment, at) }
}

/** What changes when the provider has done what it was asked for. */
function achieved(
  { intent, expiresAt, captured, refunded }: Payment & { intent: Intent },
  at: Date,
): Partial<Payment> {
  const { action, amount } = intent
  if (action === 'authorize')
    return { status: 'authorized', expiresAt: new Date(at.getTime() + holdDays * dayMs) }
  if (action === 'capture') return { status: 'captured', captured: amount }
  if (action === 'void') return { status: expiresAt && expiresAt <= at ? 'expired' : 'voided' }
  const back = refunded + amount
  return { refunded: back, status: back === captured ? 'refunded' : 'partially_refunded' }
}

/** Where a payment stands after its provider said no. */
function declined({ intent, refunded }: Payment): PaymentStatus {
  if (intent?.action === 'capture' || intent?.action === 'void') return 'authorized'
  if (intent?.action === 'refund') return refunded > 0n ? 'partially_refunded' : 'captured'
  return 'failed'
}
