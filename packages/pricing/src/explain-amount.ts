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
import { type Explanation, parseExact, type Step } from './explanation.ts'

/** A share of a period as an exact fraction; the denominator is positive. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Sums the steps exactly, takes the share of the period, and rounds once to minor units. */
export function explainAmount(
  steps: readonly Step[],
  currency: string,
  rounding: Rounding,
  proration?: Fraction,
): { amount: bigint; explanation: Explanation } {
  const exact = steps
    .filter((step) => step.step === 'charge')
    .reduce((sum, step) => addDecimals(sum, parseExact(step.subtotal)), zero)
  const amount = roundShare(exact, currency, rounding, proration)
  const share = proration && {
    numerator: proration.numerator.toString(),
    denominator: proration.denominator.toString(),
  }
  return {
    amount,
    explanation: {
      currency,
      steps: [...steps],
      exact: formatDecimal(exact),
      ...(share && { proration: share }),
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
