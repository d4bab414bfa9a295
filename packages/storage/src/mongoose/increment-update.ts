import { Double } from 'bson'
import type mongoose from 'mongoose'
import type { Bounds, Write } from '../write.ts'
import type { Row } from './row.ts'

/** The write of `increment`. */
export type Increment = Extract<Write, { type: 'increment' }>

/** An update that adds to fields, and the filter under which that is allowed. */
export interface IncrementUpdate {
  filter: { _id: string; $and: Record<string, unknown>[] }
  update: mongoose.mongo.UpdateFilter<Row>
}

/**
 * The one update that carries out an increment, on documents where MongoDB's arithmetic is exact and the results are
 * in their bounds; undefined where a filter cannot tell (bounds on fractions).
 */
export function incrementUpdate({ id, by, bounds }: Increment): IncrementUpdate | undefined {
  const clauses: Record<string, unknown>[] = []
  const amounts: Record<string, Double | bigint | number> = { version: 1 }
  for (const [field, delta] of Object.entries(by)) {
    const range =
      typeof delta === 'bigint' ? int64Before(delta, bounds[field]) : doubleBefore(delta, bounds[field])
    if (range === undefined) return undefined
    clauses.push(rangeFilter(field, delta, range))
    // As a double: two int32 would make an int64 when they overflow, and that is read as a bigint.
    amounts[field] = typeof delta === 'number' ? new Double(delta) : delta
  }
  // The driver's type of $inc knows declared fields only.
  return {
    filter: { _id: id, $and: clauses },
    update: { $inc: amounts as NonNullable<mongoose.mongo.UpdateFilter<Row>['$inc']> },
  }
}

/** Between which values, both included, a field must be before the increment. */
interface FieldRange {
  low: number | bigint
  high: number | bigint
}

const int64 = { low: -(2n ** 63n), high: 2n ** 63n - 1n }

function int64Before(delta: bigint, { atLeast = int64.low, atMost = int64.high }: Bounds = {}): FieldRange {
  // No int64 is outside of int64, so a bound beyond it (which BSON cannot say) may be moved to its edge, or just past.
  const low = BigInt(atLeast) - delta
  const high = BigInt(atMost) - delta
  if (low > int64.high || high < int64.low) return { low: 1n, high: 0n }
  return { low: low < int64.low ? int64.low : low, high: high > int64.high ? int64.high : high }
}

const exact = { low: Number.MIN_SAFE_INTEGER, high: Number.MAX_SAFE_INTEGER }

function doubleBefore(delta: number, bounds: Bounds = {}): FieldRange | undefined {
  if (Math.abs(delta) > exact.high) return undefined
  const { atLeast, atMost } = bounds
  const low = atLeast === undefined ? exact.low : Number(atLeast) - delta
  const high = atMost === undefined ? exact.high : Number(atMost) - delta
  const given = [delta, low, high, Number(atLeast ?? 0), Number(atMost ?? 0)]
  if ((atLeast !== undefined || atMost !== undefined) && !given.every(Number.isSafeInteger)) return undefined
  return { low: Math.max(low, exact.low), high: Math.min(high, exact.high) }
}

function rangeFilter(
  field: string,
  delta: number | bigint,
  { low, high }: FieldRange,
): Record<string, unknown> {
  const $type = typeof delta === 'bigint' ? ['long'] : ['int', 'double']
  const present = { [field]: { $type, $gte: low, $lte: high } }
  // An absent field counts as zero.
  return low <= 0 && high >= 0 ? { $or: [present, { [field]: { $exists: false } }] } : present
}
