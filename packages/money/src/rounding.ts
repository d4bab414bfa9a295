/** How an exact value becomes one with fewer digits; `half_away_from_zero` is the rule unless a price says otherwise. */
export type Rounding = 'half_away_from_zero' | 'half_even' | 'up' | 'down' | 'ceiling' | 'floor'

/** All rounding modes: `up` is away from zero, `down` towards it; `ceiling` and `floor` look at the sign. */
export const roundings = [
  'half_away_from_zero',
  'half_even',
  'up',
  'down',
  'ceiling',
  'floor',
] as const satisfies readonly Rounding[]

/** numerator ÷ denominator as a whole number, rounded as named; the denominator must not be zero. */
export function roundedQuotient(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  const quotient = numerator / denominator
  const remainder = numerator % denominator
  if (remainder === 0n) return quotient
  const negative = numerator < 0n !== denominator < 0n
  if (!leavesZero(quotient, remainder, denominator, negative, rounding)) return quotient
  return negative ? quotient - 1n : quotient + 1n
}

/** Whether the quotient, cut towards zero, has to go one step away from zero. */
function leavesZero(
  quotient: bigint,
  remainder: bigint,
  denominator: bigint,
  negative: boolean,
  rounding: Rounding,
): boolean {
  const twice = 2n * magnitude(remainder) - magnitude(denominator)
  switch (rounding) {
    case 'up':
      return true
    case 'down':
      return false
    case 'ceiling':
      return !negative
    case 'floor':
      return negative
    case 'half_away_from_zero':
      return twice >= 0n
    default:
      return twice > 0n || (twice === 0n && quotient % 2n !== 0n)
  }
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)
