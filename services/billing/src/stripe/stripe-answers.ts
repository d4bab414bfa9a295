import { Stripe } from 'stripe'
import type { ProviderDeed, ProviderFinding, ProviderResult } from '../payments/payment-provider.ts'
import { readDecline } from './decline-codes.ts'
import { fromStripeAmount } from './stripe-amounts.ts'

type Intent = Stripe.PaymentIntent

/** What a payment intent says of an authorization. */
export function heldOf(intent: Intent): ProviderFinding {
  const { id: reference, status, last_payment_error: failed, next_action: action } = intent
  if (status === 'requires_capture' || status === 'succeeded')
    return { known: 'deed', result: { outcome: 'succeeded', reference, ...holdUntilOf(intent) } }
  const actionUrl = action?.redirect_to_url?.url
  if (status === 'requires_action' && actionUrl)
    return { known: 'deed', result: { outcome: 'requires_action', reference, actionUrl } }
  if (status === 'canceled') {
    const message = 'The payment was canceled at the provider'
    return {
      known: 'deed',
      result: { outcome: 'declined', reference, code: 'canceled', hard: false, message },
    }
  }
  if (status === 'requires_payment_method' && failed)
    return { known: 'deed', result: { outcome: 'declined', reference, ...readDecline(failed) } }
  return { known: 'unsure', message: `The payment intent is ${status}` }
}

/** What a payment intent says of a capture or a void that was asked for. */
export function endedOf(intent: Intent, { action, amount, currency }: ProviderDeed): ProviderFinding {
  const { id: reference, status } = intent
  if (status === 'succeeded') {
    const taken = fromStripeAmount(intent.amount_received, currency)
    const result =
      action === 'capture' && taken === amount
        ? { outcome: 'succeeded' as const, reference }
        : { outcome: 'superseded' as const, reference, by: 'capture' as const, amount: taken }
    return { known: 'deed', result }
  }
  if (status === 'canceled') {
    const result =
      action === 'void'
        ? { outcome: 'succeeded' as const, reference }
        : { outcome: 'superseded' as const, reference, by: 'void' as const, amount }
    return { known: 'deed', result }
  }
  if (status === 'processing') return { known: 'unsure', message: 'The payment intent is processing' }
  return { known: 'nothing' }
}

/** What a refund of Stripe says of the refund that was asked for; one that is pending may still fail. */
export function refundedOf(
  refund: Pick<Stripe.Refund, 'status' | 'failure_reason'>,
  reference: string,
): ProviderFinding {
  if (refund.status === 'succeeded') return { known: 'deed', result: { outcome: 'succeeded', reference } }
  if (refund.status === 'failed' || refund.status === 'canceled') {
    const code = refund.failure_reason ?? 'refund_failed'
    const message = 'The refund could not be paid out'
    return { known: 'deed', result: { outcome: 'declined', reference, code, hard: true, message } }
  }
  return { known: 'unsure', message: `The refund is ${refund.status}` }
}

/** What is known, as the answer to an asking. */
export function answerOf(finding: ProviderFinding): ProviderResult {
  if (finding.known === 'deed') return finding.result
  return { outcome: 'unknown', message: finding.known === 'unsure' ? finding.message : 'Nothing was done' }
}

/** An error after which nobody knows whether the deed was done: no answer, 409, 429, 5xx, or keys that do not work. */
export function unknownOf(error: unknown): { outcome: 'unknown'; message: string } {
  if (!(error instanceof Stripe.errors.StripeError)) throw error
  const { type, code, requestId } = error
  return { outcome: 'unknown', message: [type, code, requestId].filter(Boolean).join(' ') }
}

/** Whether Stripe refused the request for what it asks: nothing was done, and asking again is refused again. */
export function isRefusal(error: unknown): error is Stripe.errors.StripeInvalidRequestError {
  return error instanceof Stripe.errors.StripeInvalidRequestError
}

/** Whether this is a failure of the first asking, told again: the same key will tell nothing else for a day. */
function isStoredFailure(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeAPIError && error.headers?.['idempotent-replayed'] === 'true'
}

/**
 * Asks under a key, and where Stripe would repeat the failure of an earlier asking for a day, under the next one: always
 * the same keys in the same order, so that what was done is told again. For what does no harm when it is done twice.
 */
export async function askAnew<T>(key: string, ask: (idempotencyKey: string) => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn++) {
    try {
      return await ask(turn === 1 ? key : `${key}:${turn}`)
    } catch (error) {
      if (turn === mostTurns || !isStoredFailure(error)) throw error
    }
  }
}
const mostTurns = 10

function holdUntilOf({ latest_charge: charge }: Intent): { holdUntil?: Date } {
  const before = typeof charge === 'object' ? charge?.payment_method_details?.card?.capture_before : undefined
  return before === undefined ? {} : { holdUntil: new Date(before * 1000) }
}
