import type { Bounds } from '../write.ts'

/** Between which values a field must be for an increment to be allowed; both included. */
export interface FieldRange {
  low: number | bigint | undefined
  high: number | bigint | undefined
}

const int64 = { low: -(2n ** 63n), high: 2n ** 63n - 1n }

/** The range of a field before `delta` is added, such that the result is in its bounds and, for bigint, an int64. */
export function rangeBefore(delta: number | bigint, { atLeast, atMost }: Bounds): FieldRange {
  if (typeof delta === 'number') {
    return {
      low: atLeast === undefined ? undefined : Number(atLeast) - delta,
      high: atMost === undefined ? undefined : Number(atMost) - delta,
    }
  }
  const low = (atLeast === undefined ? int64.low : BigInt(atLeast)) - delta
  const high = (atMost === undefined ? int64.high : BigInt(atMost)) - delta
  // A bound that is no int64 is one that every int64 keeps, or none does.
  return {
    low: low <= int64.low ? undefined : low,
    high: high >= int64.high ? undefined : high,
  }
}

/** Whether a value of the field is in the range. */
export function inRange(value: number | bigint, { low, high }: FieldRange): boolean {
  return (low === undefined || value >= low) && (high === undefined || value <= high)
}

/** The filter that matches documents whose field is in the range; an absent field counts as zero. */
export function rangeFilter(
  field: string,
  delta: number | bigint,
  range: FieldRange,
): Record<string, unknown> {
  const present = {
    [field]: {
      $type: typeof delta === 'bigint' ? ['long'] : ['int', 'double'],
      ...(range.low === undefined ? {} : { $gte: range.low }),
      ...(range.high === undefined ? {} : { $lte: range.high }),
    },
  }
  return inRange(0, range) ? { $or: [present, { [field]: { $exists: false } }] } : present
}
