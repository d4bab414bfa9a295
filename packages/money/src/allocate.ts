import { type DecimalLike, toDecimal } from './decimal.ts'
import { MoneyError } from './money-error.ts'

/**
 * Splits a total by weights (largest remainder; ties go to the earlier position): the parts sum to the total and each is
 * less than one minor unit from its exact share. A negative total mirrors the positive one. Throws MoneyError when a
 * weight is negative or none is positive.
 */
export function allocate(total: bigint, weights: readonly (bigint | DecimalLike)[]): bigint[] {
  const scaled = toWholeWeights(weights)
  const sum = scaled.reduce((a, b) => a + b, 0n)
  if (sum === 0n) throw new MoneyError('bad_weights', 'at least one weight must be positive')
  if (total < 0n) return allocate(-total, weights).map((part) => -part)

  const parts = scaled.map((weight) => (total * weight) / sum)
  const left = Number(total - parts.reduce((a, b) => a + b, 0n))
  const byRemainder = scaled
    .map((weight, position) => ({ position, remainder: (total * weight) % sum }))
    .sort((a, b) =>
      a.remainder === b.remainder ? a.position - b.position : a.remainder < b.remainder ? 1 : -1,
    )
  const raised = new Set(byRemainder.slice(0, left).map(({ position }) => position))
  return parts.map((part, position) => (raised.has(position) ? part + 1n : part))
}

/** The weights as whole numbers in the same proportion. */
function toWholeWeights(weights: readonly (bigint | DecimalLike)[]): bigint[] {
  const decimals = weights.map(toDecimal)
  if (decimals.some(({ mantissa }) => mantissa < 0n)) {
    throw new MoneyError('bad_weights', 'a weight must not be negative')
  }
  const scale = decimals.reduce((most, decimal) => Math.max(most, decimal.scale), 0)
  return decimals.map((decimal) => decimal.mantissa * 10n ** BigInt(scale - decimal.scale))
}
