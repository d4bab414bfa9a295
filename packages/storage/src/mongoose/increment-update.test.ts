import { Double } from 'bson'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { collection } from '../collection.ts'
import { addWithinBounds } from '../increment.ts'
import { fieldOf } from '../validate.ts'
import { increment, type Bounds } from '../write.ts'
import { incrementUpdate } from './increment-update.ts'

const counters = collection('counters', {
  schema: z.strictObject({ id: z.string(), number: z.number().optional(), amount: z.bigint().optional() }),
  partition: 'id',
})

/** What MongoDB makes of the filter's one field: a range with a type, or that or absence. */
function matches(clause: Record<string, unknown>, value: number | bigint | undefined): boolean {
  if (Array.isArray(clause['$or'])) return clause['$or'].some((option) => matches(option, value))
  const condition = Object.values(clause)[0] as Record<string, number | bigint | boolean>
  if (condition['$exists'] === false) return value === undefined
  return (
    value !== undefined && value >= (condition['$gte'] as bigint) && value <= (condition['$lte'] as bigint)
  )
}

function sumOf(field: string, value: number | bigint | undefined, delta: number | bigint, bounds: Bounds) {
  try {
    const after = addWithinBounds({ id: 'x', [field]: value }, { [field]: delta }, { [field]: bounds }, {})
    return fieldOf(after, field)
  } catch {
    return undefined
  }
}

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -9n, max: 9n }),
)
const bound64 = fc.option(int64, { nil: undefined })

test('a bigint is increased in place exactly when the sum is an int64 in its bounds', () => {
  fc.assert(
    fc.property(
      fc.option(int64, { nil: undefined }),
      int64,
      bound64,
      bound64,
      (value, delta, atLeast, atMost) => {
        const bounds = {
          ...(atLeast === undefined ? {} : { atLeast }),
          ...(atMost === undefined ? {} : { atMost }),
        }
        const write = increment(counters, 'x', { amount: delta }, { amount: bounds })
        if (write.type !== 'increment') throw new Error('no increment')
        const plain = incrementUpdate(write)
        const allowed = plain?.filter.$and.every((clause) => matches(clause, value))
        expect(allowed).toBe(sumOf('amount', value, delta, bounds) !== undefined)
      },
    ),
    { numRuns: 2000 },
  )
})

const number = fc.oneof(
  fc.integer(),
  fc.integer({ min: -9, max: 9 }),
  fc.double({ noNaN: true }),
  fc.maxSafeInteger(),
)
const boundNumber = fc.option(number, { nil: undefined })

test('a number is increased in place only when the sum is in its bounds', () => {
  fc.assert(
    fc.property(
      fc.option(number, { nil: undefined }),
      number,
      boundNumber,
      boundNumber,
      (value, delta, atLeast, atMost) => {
        const bounds = {
          ...(atLeast === undefined ? {} : { atLeast }),
          ...(atMost === undefined ? {} : { atMost }),
        }
        const write = increment(counters, 'x', { number: delta }, { number: bounds })
        if (write.type !== 'increment') throw new Error('no increment')
        const plain = incrementUpdate(write)
        if (plain === undefined || !plain.filter.$and.every((clause) => matches(clause, value))) return
        const sum = sumOf('number', value, delta, bounds)
        // Adding zero makes -0 and 0 one: as counts they are the same.
        expect(Number(sum ?? Number.NaN) + 0).toBe((value ?? 0) + delta + 0)
      },
    ),
    { numRuns: 2000 },
  )
})

test('a number is sent as a double, so that the sum is never an int64', () => {
  const write = increment(counters, 'x', { number: 1 })
  if (write.type !== 'increment') throw new Error('no increment')
  expect(incrementUpdate(write)?.update).toEqual({ $inc: { number: new Double(1), version: 1 } })
})
