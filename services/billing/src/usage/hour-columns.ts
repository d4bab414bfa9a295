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
type Column = `${'c' | 'h' | 'm' | 'l'}${Hour}`

/** A day's hours side by side in one document: the count and the three parts of the sum of each; absent means zero. */
export type HourColumns = { [K in Column]?: bigint }

type ReadColumns = { readonly [K in Column]?: bigint | undefined }

const hours = Array.from({ length: 24 }, (_, at) => {
  const hour = at as Hour
  return { count: `c${hour}`, high: `h${hour}`, middle: `m${hour}`, low: `l${hour}` } as const
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

/** Adds to the columns of an hour (0 to 23) what its events bring; what stays away costs nothing to store and to read. */
export function addHour(columns: HourColumns, hour: number, { count, sum }: Counted): void {
  const names = hours[hour]
  if (!names) throw new RangeError(`a day has no hour ${hour}`)
  if (count !== 0n) columns[names.count] = count
  if (sum === 0n) return
  const { high, middle, low } = toLimbs(sum)
  if (high !== 0n) columns[names.high] = high
  if (middle !== 0n) columns[names.middle] = middle
  if (low !== 0n) columns[names.low] = low
}

/**
 * Adds up the hours of a day in which something counts, by the piece of time that each lies in (−1 for none): `into` is
 * called once for each piece.
 */
export function sumHours(
  day: ReadColumns,
  pieces: readonly number[],
  into: (piece: number, counted: Counted) => void,
): void {
  let open = -1
  let [count, high, middle, low] = [0n, 0n, 0n, 0n]
  for (let hour = 0; hour < hours.length; hour++) {
    const piece = pieces[hour] ?? -1
    const names = hours[hour]
    if (piece < 0 || !names) continue
    const counted = day[names.count]
    if (counted === undefined || counted === 0n) continue
    if (piece !== open) {
      if (open >= 0) into(open, { count, sum: fromLimbs({ high, middle, low }) })
      open = piece
      count = high = middle = low = 0n
    }
    count += counted
    // Most quantities have one part only.
    const parts = [day[names.high], day[names.middle], day[names.low]]
    if (parts[0] !== undefined) high += parts[0]
    if (parts[1] !== undefined) middle += parts[1]
    if (parts[2] !== undefined) low += parts[2]
  }
  if (open >= 0) into(open, { count, sum: fromLimbs({ high, middle, low }) })
}
