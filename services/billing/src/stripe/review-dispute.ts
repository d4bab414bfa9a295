import type { Stripe } from 'stripe'
import type { Deps } from '../deps.ts'
import { bookDispute } from '../payments/book-dispute.ts'
import type { DisputeFacts } from '../payments/book-dispute.ts'
import { idOf, reviewIntent } from './review-intent.ts'
import type { About } from './review-intent.ts'
import { fromStripeAmount } from './stripe-amounts.ts'

/**
 * Brings the books in line with a dispute, by its balance transactions: what was withdrawn and reinstated is told
 * there, each under a name of its own (https://docs.stripe.com/api/disputes/object).
 */
export async function reviewDispute(deps: Deps, stripe: Stripe, id: string): Promise<About> {
  const dispute = await stripe.disputes.retrieve(id)
  if (!dispute.payment_intent) return { subject: id }
  const about = await reviewIntent(deps, stripe, idOf(dispute.payment_intent))
  if (about.payment !== undefined) await bookDispute(deps, about.payment, factsOf(dispute))
  return { ...about, subject: id }
}

function factsOf(dispute: Stripe.Dispute): DisputeFacts {
  const { id: reference, reason, status, balance_transactions: transactions } = dispute
  const currency = dispute.currency.toUpperCase()
  const amount = fromStripeAmount(dispute.amount, currency)
  return {
    reference,
    reason,
    currency,
    amount,
    status: statuses[status] ?? (status.startsWith('warning_') ? 'inquiry' : 'open'),
    movements: transactions.map((one) => {
      const settled = one.currency.toUpperCase()
      // In the currency of our balance at Stripe, which need not be the buyer's: then it is of all that is contested.
      const moved = settled === currency ? fromStripeAmount(Math.abs(one.amount), currency) : amount
      return {
        id: one.id,
        amount: one.amount < 0 ? -moved : moved,
        fee: { amount: fromStripeAmount(one.fee, settled), currency: settled },
      }
    }),
  }
}

const statuses: Readonly<Partial<Record<string, DisputeFacts['status']>>> = {
  won: 'won',
  lost: 'lost',
  prevented: 'prevented',
}
