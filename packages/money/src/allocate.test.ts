import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocate } from './allocate.ts'
import { MoneyError } from './money-error.ts'

const weightLists = fc
  .array(fc.bigInt({ min: 0n, max: 10n ** 30n }), { minLength: 1, maxLength: 30 })
  .filter((weights) => weights.some((weight) => weight > 0n))
const totals = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n })
const sum = (parts: readonly bigint[]): bigint => parts.reduce((a, b) => a + b, 0n)
const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

describe('splitting a total by weights', () => {
  test('gives the odd units to the largest remainders, the earlier position first', () => {
    expect(allocate(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n])
    expect(allocate(5n, [3n, 7n])).toEqual([2n, 3n])
    expect(allocate(10n, ['0.7', '0.2', '0.1'])).toEqual([7n, 2n, 1n])
    expect(allocate(1n, [0n, 1n, 0n])).toEqual([0n, 1n, 0n])
    expect(allocate(-100n, [1n, 1n, 1n])).toEqual([-34n, -33n, -33n])
  })

  test('loses and makes nothing: the parts sum to the total', () => {
    fc.assert(fc.property(totals, weightLists, (total, weights) => sum(allocate(total, weights)) === total))
  })

  test('stays less than one unit from the exact share, and gives nothing for a weight of zero', () => {
    fc.assert(
      fc.property(totals, weightLists, (total, weights) => {
        const whole = sum(weights)
        return allocate(total, weights).every((part, position) => {
          const weight = weights[position] ?? 0n
          return magnitude(part * whole - total * weight) < whole && (weight > 0n || part === 0n)
        })
      }),
    )
  })

  test('mirrors a negative total', () => {
    fc.assert(
      fc.property(totals, weightLists, (total, weights) => {
        expect(allocate(-total, weights)).toEqual(allocate(total, weights).map((part) => -part))
      }),
    )
  })

  test('never gives more to a smaller weight, and among equal weights not more to the later one', () => {
    const few = fc
      .array(fc.bigInt({ min: 0n, max: 9n }), { minLength: 2, maxLength: 12 })
      .filter((weights) => weights.some((weight) => weight > 0n))
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1000n }), few, (total, weights) => {
        const parts = allocate(total, weights)
        const heaviestFirst = parts
          .map((part, position) => ({ part, position, weight: weights[position] ?? 0n }))
          .sort((a, b) => (a.weight === b.weight ? a.position - b.position : a.weight < b.weight ? 1 : -1))
        return heaviestFirst.every(({ part }, rank) => part <= (heaviestFirst[rank - 1]?.part ?? part))
      }),
    )
  })

  test('follows a permutation of the weights when no remainders tie', () => {
    fc.assert(
      fc.property(totals, weightLists, fc.infiniteStream(fc.nat()), (total, weights, keys) => {
        const whole = sum(weights)
        const remainders = weights.map((weight) => (magnitude(total) * weight) % whole)
        fc.pre(new Set(remainders).size === remainders.length)
        const order = weights
          .map((_, position) => ({ position, key: Number(keys.next().value) }))
          .sort((a, b) => a.key - b.key)
          .map(({ position }) => position)
        const parts = allocate(total, weights)
        const permuted = allocate(
          total,
          order.map((position) => weights[position] ?? 0n),
        )
        expect(permuted).toEqual(order.map((position) => parts[position]))
      }),
    )
  })

  test('does not depend on how the weights are scaled', () => {
    fc.assert(
      fc.property(totals, weightLists, fc.bigInt({ min: 1n, max: 10n ** 40n }), (total, weights, factor) => {
        expect(
          allocate(
            total,
            weights.map((weight) => weight * factor),
          ),
        ).toEqual(allocate(total, weights))
      }),
    )
    expect(allocate(1000n, ['0.5', '0.25', '0.25'])).toEqual(allocate(1000n, [2n, 1n, 1n]))
  })

  test('is not monotonic in the total: one unit more may take one from a small weight (Alabama paradox)', () => {
    expect(allocate(10n, [6n, 6n, 2n])).toEqual([4n, 4n, 2n])
    expect(allocate(11n, [6n, 6n, 2n])).toEqual([5n, 5n, 1n])
  })

  test('refuses weights that give no proportion', () => {
    for (const weights of [[], [0n, 0n], ['0.00'], [2n, -1n], ['-0.1']]) {
      expect(() => allocate(1n, weights)).toThrow(MoneyError)
    }
  })
})
