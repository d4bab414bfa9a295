import {
  addDecimals,
  currency as currencyOf,
  type Decimal,
  divideDecimals,
  formatDecimal,
  multiplyDecimals,
  type Rounding,
  zero,
} from '@tallystick/money'
import { type Explanation, parseExact, type Proration, type Step } from './explanation.ts'
import type { Fraction, Period, Share } from './share.ts'

/** Sums the steps exactly, takes the share of the period, and rounds once to minor units. */
export function explainAmount(
  steps: readonly Step[],
  currency: string,
  rounding: Rounding,
  share?: Share,
): { amount: bigint; explanation: Explanation } {
  const exact = sumOf(steps)
  const amount = roundShare(exact, currency, rounding, share)
  return {
    amount,
    explanation: {
      currency,
      steps: [...steps],
      exact: formatDecimal(exact),
      ...(share && { proration: writeShare(share) }),
      rounding,
      amount: amount.toString(),
    },
  }
}

/** A share of an exact amount in major units as minor units, rounded once. */
export function roundShare(
  exact: Decimal,
  currency: string,
  rounding: Rounding,
  share: Fraction = { numerator: 1n, denominator: 1n },
): bigint {
  const numerator = multiplyDecimals(exact, { mantissa: share.numerator, scale: 0 })
  const denominator = { mantissa: share.denominator, scale: 0 }
  return divideDecimals(numerator, denominator, currencyOf(currency).exponent, rounding).mantissa
}

/** A share as an explanation tells it. */
export function writeShare({ numerator, denominator, part, whole }: Share): Proration {
  return {
    numerator: numerator.toString(),
    denominator: denominator.toString(),
    ...(part && { part: writePeriod(part) }),
    ...(whole && { whole: writePeriod(whole) }),
  }
}

/** What all charges come to, where those that were rounded on their own count as rounded. */
function sumOf(steps: readonly Step[]): Decimal {
  let [rounded, open] = [zero, zero]
  for (const step of steps) {
    if (step.step === 'charge') open = addDecimals(open, parseExact(step.subtotal))
    if (step.step === 'rounded') [rounded, open] = [addDecimals(rounded, parseExact(step.amount)), zero]
  }
  return addDecimals(rounded, open)
}

function writePeriod({ start, end }: Period): { start: string; end: string } {
  return { start: start.toISOString(), end: end.toISOString() }
}
