import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Rounding, roundedQuotient, roundings } from './rounding.ts'

// The table of java.math.RoundingMode (Java SE API, "Summary of Rounding Operations Under Different Rounding Modes").
const inputs = [55n, 25n, 16n, 11n, 10n, -10n, -11n, -16n, -25n, -55n]
const table: Record<Rounding, readonly bigint[]> = {
  up: [6n, 3n, 2n, 2n, 1n, -1n, -2n, -2n, -3n, -6n],
  down: [5n, 2n, 1n, 1n, 1n, -1n, -1n, -1n, -2n, -5n],
  ceiling: [6n, 3n, 2n, 2n, 1n, -1n, -1n, -1n, -2n, -5n],
  floor: [5n, 2n, 1n, 1n, 1n, -1n, -2n, -2n, -3n, -6n],
  half_away_from_zero: [6n, 3n, 2n, 1n, 1n, -1n, -1n, -2n, -3n, -6n],
  half_even: [6n, 2n, 2n, 1n, 1n, -1n, -1n, -2n, -2n, -6n],
}

describe('rounding a quotient', () => {
  test.each(roundings)('%s rounds as the table of java.math.RoundingMode says', (rounding) => {
    expect(inputs.map((input) => roundedQuotient(input, 10n, rounding))).toEqual(table[rounding])
    expect(inputs.map((input) => roundedQuotient(-input, -10n, rounding))).toEqual(table[rounding])
  })

  test('is never a whole unit away, and at most half a unit in the half modes', () => {
    const whole = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })
    const divisor = fc.bigInt({ min: 1n, max: 10n ** 20n })
    fc.assert(
      fc.property(whole, divisor, fc.constantFrom(...roundings), (numerator, denominator, rounding) => {
        const error = roundedQuotient(numerator, denominator, rounding) * denominator - numerator
        const magnitude = error < 0n ? -error : error
        return rounding.startsWith('half') ? 2n * magnitude <= denominator : magnitude < denominator
      }),
    )
  })
})
