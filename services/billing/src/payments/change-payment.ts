import { hash } from 'node:crypto'
import { toWire } from '@tallystick/money'
import { derivedId, Fault } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import type { Caller } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import { roomForRefund } from '../invoices/room-for-refund.ts'
import type { Deps } from '../deps.ts'
import { carryOut } from './ask-provider.ts'
import { payments, refunds } from './collections.ts'
import { findPayment } from './find-payment.ts'
import { leftToRefund, requestName, withIntent } from './payment-machine.ts'
import type { Intent, Payment, Wanted } from './payment-machine.ts'
import type { CaptureInput, captureOutcome, RefundInput, refundView } from './payment-schemas.ts'
import { viewPayment } from './payment-view.ts'
import { authenticateInSandbox } from './sandbox-provider.ts'

type Refund = z.infer<typeof refunds.schema>
type Outcome = z.infer<typeof captureOutcome>

/** Takes what is held, or part of it; the rest is released. A hold is captured once, and a `request` answered alike. */
export async function capturePayment(
  deps: Deps,
  payment: Stored<Payment>,
  amount: bigint | undefined,
  request?: string,
): Promise<Payment> {
  if (isAnswered(payment, 'capture', request)) return payment
  if (isUnderWay(payment, 'capture', amount)) return carryOut(deps, payment, { askedBefore: true })
  return intend(deps, payment, { action: 'capture', amount: amount ?? payment.amount, request })
}

/** Captures several payments; each succeeds or is refused on its own. */
export async function capturePayments(
  deps: Deps,
  caller: Caller,
  requestKey: string,
  wanted: NonNullable<CaptureInput['captures']>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const { payment: id, amount } of wanted) {
    try {
      const payment = await findPayment(deps, caller, id)
      const part = amount === undefined ? undefined : BigInt(amount)
      const captured = await capturePayment(deps, payment, part, requestKey)
      outcomes.push({ status: 'done', payment: viewPayment(deps, captured) })
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const { code, detail } = error
      outcomes.push({ status: 'refused', payment_id: id, error: { code, detail } })
    }
  }
  return outcomes
}

/** Lets go of what is held. */
export async function voidPayment(deps: Deps, payment: Stored<Payment>, request?: string): Promise<Payment> {
  if (isAnswered(payment, 'void', request)) return payment
  if (isUnderWay(payment, 'void', undefined)) return carryOut(deps, payment, { askedBefore: true })
  return intend(deps, payment, { action: 'void', amount: payment.amount, request })
}

/** Learns what became of a payment that asked for authentication. */
export async function confirmPayment(
  deps: Deps,
  payment: Stored<Payment>,
  authenticated: boolean,
  request: string,
): Promise<Payment> {
  const { intent, status } = payment
  if (status !== 'requires_action' && isAnswered(payment, 'confirm', request)) return payment
  if (status !== 'requires_action' || !intent) {
    throw new Fault('invalid_state', { detail: `A payment that is ${status} asks for no authentication` })
  }
  const asked = await noteRequest(deps, payment, requestName('confirm', request))
  if (deps.provider.name === 'sandbox') await authenticateInSandbox(deps, intent.key, authenticated)
  return carryOut(deps, asked, { askedBefore: true })
}

/** Gives captured money back, all or part. `requestKey` makes the refund: its repetitions refund once. */
export async function refundPayment(
  deps: Deps,
  caller: Caller,
  requestKey: string,
  input: RefundInput,
): Promise<z.infer<typeof refundView>> {
  const { tenant } = caller
  const id = derivedId('refund', hash('sha256', JSON.stringify([tenant, 'refund', requestKey])))
  const payment = await findPayment(deps, caller, input.payment)
  if (input.revoke_license && payment.license === undefined) {
    throw new Fault('validation_failed', {
      errors: [
        { pointer: '/revoke_license', message: 'the payment is for no license', fix: 'Leave it out.' },
      ],
    })
  }
  const before = await deps.store.get(refunds, id)
  if (!before) {
    const left = leftToRefund(payment)
    const held = payment.invoice === undefined ? undefined : await roomForRefund(deps, payment.invoice)
    const most = held === undefined || held.room > left ? left : held.room
    const amount = input.amount === undefined ? most : BigInt(input.amount)
    if (amount > most && amount <= left) {
      throw new Fault('validation_failed', {
        errors: [
          {
            pointer: '/amount',
            message: `is more than the ${most} that credit notes have left`,
            fix: 'Ask for less.',
          },
        ],
      })
    }
    const at = await timeOfPayment(deps, payment)
    const { currency } = payment
    const { reason, revoke_license: revokeLicense } = input
    const about = { id, tenant, payment: payment.id, currency, amount, reason, revokeLicense }
    const refund: Refund = { ...about, status: 'refunding', createdAt: at, auditId: auditIdOf(tenant, id) }
    const further = [insert(refunds, refund), ...(held ? [held.write] : [])]
    await intend(deps, payment, { action: 'refund', amount, refund: id }, further)
  } else if (payment.intent?.refund === id) await carryOut(deps, payment, { askedBefore: true })
  return viewRefund(deps, id)
}

async function viewRefund(deps: Deps, id: string): Promise<z.infer<typeof refundView>> {
  const refund = await deps.store.get(refunds, id)
  const payment = refund && (await deps.store.get(payments, refund.payment))
  if (!refund || !payment) throw new Error(`The refund ${id} is not there`)
  return {
    object: 'refund',
    id,
    livemode: deps.livemode,
    status: refund.status,
    payment: viewPayment(deps, payment),
    amount: toWire({ amount: refund.amount, currency: refund.currency }),
    reason: refund.reason,
    revoke_license: refund.revokeLicense,
    created_at: refund.createdAt.toISOString(),
    audit_id: refund.auditId,
  }
}

/** Stores an intent, then carries it out: whatever happens between, the intent is found and looked up. */
export async function intend(
  deps: Deps,
  payment: Stored<Payment>,
  intent: Wanted,
  further: readonly Write[] = [],
): Promise<Payment> {
  if (payment.provider !== deps.provider.name) {
    throw new Fault('invalid_state', {
      detail: `The payment belongs to ${payment.provider}, which is not in use here`,
    })
  }
  const { version, ...before } = payment
  const at = await timeOfPayment(deps, payment)
  const intended = withIntent(before, intent, { at, now: deps.now() })
  await deps.store.commit([replace(payments, intended, version), ...further])
  return carryOut(deps, { ...intended, version: version + 1 }, { askedBefore: false })
}

async function timeOfPayment(deps: Deps, { customer }: Payment): Promise<Date> {
  return timeOf(deps, (await deps.store.get(customers, customer)) ?? {})
}

/** Whether this request has asked for it before a crash, and it was done or refused since. */
function isAnswered(
  { lastRequest, intent }: Payment,
  action: Intent['action'] | 'confirm',
  request: string | undefined,
): boolean {
  return request !== undefined && lastRequest === requestName(action, request) && intent?.action !== action
}

async function noteRequest(
  { store }: Deps,
  { version, ...payment }: Stored<Payment>,
  lastRequest: string,
): Promise<Stored<Payment>> {
  if (payment.lastRequest === lastRequest) return { ...payment, version }
  const asked = { ...payment, lastRequest }
  await store.commit([replace(payments, asked, version)])
  return { ...asked, version: version + 1 }
}

/** Whether the same thing was asked for before and its outcome is open. */
function isUnderWay({ intent }: Payment, action: Intent['action'], amount: bigint | undefined): boolean {
  return intent?.action === action && (amount === undefined || intent.amount === amount)
}
