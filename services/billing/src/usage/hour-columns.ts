import { z } from 'zod'
import { fromLimbs, toLimbs } from './scaled.ts'

type Hour =
  | 0
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 16
  | 17
  | 18
  | 19
  | 20
  | 21
  | 22
  | 23
type Column = `${'n' | 'c' | 'h' | 'm' | 'l'}${Hour}`

/**
 * A day's hours side by side in one document, absent means zero: of each what a count meter counted, and the count and
 * the three parts of the sum of another meter.
 */
export type HourColumns = { [K in Column]?: bigint }

type ReadColumns = { readonly [K in Column]?: bigint | undefined }

const hours = Array.from({ length: 24 }, (_, at) => {
  const hour = at as Hour
  const sum = { high: `h${hour}`, middle: `m${hour}`, low: `l${hour}` } as const
  return { alone: `n${hour}`, count: `c${hour}`, ...sum } as const
})
const names = hours.flatMap((columns) => Object.values(columns))

/** The fields of a stored day. */
export const hourColumns = Object.fromEntries(names.map((name) => [name, z.bigint().optional()])) as Record<
  Column,
  z.ZodOptional<z.ZodBigInt>
>

/** How many events counted, and what they came to × 10¹². */
export interface Counted {
  count: bigint
  sum: bigint
}

/** Which of a document's columns are a meter's: a count has those that a sum or unique leaves free. */
export type ColumnsOf = 'count' | 'sum' | 'unique'

/** Adds to a meter's columns of an hour (0 to 23) what its events bring; what stays away costs nothing to store and to read. */
export function addHour(columns: HourColumns, of: ColumnsOf, hour: number, { count, sum }: Counted): void {
  const names = hours[hour]
  if (!names) throw new RangeError(`a day has no hour ${hour}`)
  if (of === 'count') {
    if (count !== 0n) columns[names.alone] = count
    return
  }
  if (count !== 0n) columns[names.count] = count
  if (sum === 0n) return
  const { high, middle, low } = toLimbs(sum)
  if (high !== 0n) columns[names.high] = high
  if (middle !== 0n) columns[names.middle] = middle
  if (low !== 0n) columns[names.low] = low
}

/** A document without a meter's columns; undefined where it has no others. */
export function withoutColumns<T extends ReadColumns>(day: T, of: ColumnsOf): T | undefined {
  const left = { ...day }
  for (const { alone, ...ofSum } of hours)
    for (const name of of === 'count' ? [alone] : Object.values(ofSum)) delete left[name]
  return names.some((name) => left[name] !== undefined) ? left : undefined
}

/**
 * Adds up a meter's hours of a day in which something counts, by the piece of time that each lies in (−1 for none):
 * `into` is called once for each piece.
 */
export function sumHours(
  day: ReadColumns,
  of: ColumnsOf,
  pieces: readonly number[],
  into: (piece: number, counted: Counted) => void,
): void {
  let open = -1
  let [count, high, middle, low] = [0n, 0n, 0n, 0n]
  for (let hour = 0; hour < hours.length; hour++) {
    const piece = pieces[hour] ?? -1
    const names = hours[hour]
    if (piece < 0 || !names) continue
    const counted = day[of === 'count' ? names.alone : names.count]
    if (counted === undefined || counted === 0n) continue
    if (piece !== open) {
      if (open >= 0) into(open, { count, sum: fromLimbs({ high, middle, low }) })
      open = piece
      count = high = middle = low = 0n
    }
    count += counted
    if (of === 'count') continue
    // Most quantities have one part only.
    const parts = [day[names.high], day[names.middle], day[names.low]]
    if (parts[0] !== undefined) high += parts[0]
    if (parts[1] !== undefined) middle += parts[1]
    if (parts[2] !== undefined) low += parts[2]
  }
  if (open >= 0) into(open, { count, sum: fromLimbs({ high, middle, low }) })
}
