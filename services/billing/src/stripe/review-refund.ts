import type { Stripe } from 'stripe'
import type { Deps } from '../deps.ts'
import { foreignRefundIdOf } from '../payments/adopt-deed.ts'
import { takeBackRefund } from '../payments/take-back-refund.ts'
import { idOf, ownRefundOf, reviewIntent } from './review-intent.ts'
import type { About } from './review-intent.ts'

/**
 * Brings the books in line with a refund. One that succeeded may still come back from the bank, days later:
 * https://docs.stripe.com/refunds#failed-refunds.
 */
export async function reviewRefund(deps: Deps, stripe: Stripe, id: string): Promise<About> {
  const refund = await stripe.refunds.retrieve(id)
  if (!refund.payment_intent) return { subject: id }
  const about = await reviewIntent(deps, stripe, idOf(refund.payment_intent))
  const { tenant, payment } = about
  const isBack = refund.status === 'failed' || refund.status === 'canceled'
  if (isBack && tenant !== undefined && payment !== undefined) {
    const ours = ownRefundOf(refund, payment) ?? foreignRefundIdOf(tenant, id)
    await takeBackRefund(deps, payment, { refund: ours, code: refund.failure_reason ?? refund.status ?? '' })
  }
  return { ...about, subject: id }
}
