import { formatDecimal, type Money, money, toMajor } from '@tallystick/money'
import { explainAmount } from './explain-amount.ts'
import type { Share } from './share.ts'
import type { Explanation, Step } from './explanation.ts'
import type { Rating } from './rate-usage.ts'

/** A part of what was rated for a period, and how it came about. */
export interface Rest {
  readonly amount: Money
  readonly explanation: Explanation
}

/**
 * What a rating of a period comes to for a part of it: each line is rounded as it was, their sum is taken times the
 * share and rounded half away from zero. Without a share it is the sum.
 */
export function explainRest({ lines, total: { currency } }: Rating, share?: Share): Rest {
  const steps = lines.flatMap(({ amount, explanation }): Step[] => [
    ...explanation.steps,
    {
      step: 'rounded',
      exact: explanation.exact,
      ...(explanation.proration && { proration: explanation.proration }),
      rounding: explanation.rounding,
      amount: formatDecimal(toMajor(amount)),
    },
  ])
  const { amount, explanation } = explainAmount(steps, currency, 'half_away_from_zero', share)
  return { amount: money(amount, currency), explanation }
}

/** The explanation of a line that takes another back: the same steps, and the opposite of what they come to. */
export function reverseExplanation({ reversal, ...explanation }: Explanation): Explanation {
  const opposite = { ...explanation, amount: (-BigInt(explanation.amount)).toString() }
  return reversal ? opposite : { ...opposite, reversal: true }
}
