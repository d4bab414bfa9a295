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
export type HourColumns = { readonly [K in Column]?: bigint }

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

const hourMs = 3_600_000

/** What is added to a day when `count` events of an hour bring `sum` × 10⁻¹². */
export function hourDelta(hour: number, { count, sum }: { count: bigint; sum: bigint }): HourColumns {
  const { high, middle, low } = toLimbs(sum)
  const all = { [`c${hour}`]: count, [`h${hour}`]: high, [`m${hour}`]: middle, [`l${hour}`]: low }
  // What stays away costs nothing to store and to read.
  return Object.fromEntries(Object.entries(all).filter(([, by]) => by !== 0n))
}

/** The hours of a day in which something counts. */
export function* hoursOf(
  day: ReadColumns & { day: Date },
): Iterable<{ hour: Date; count: bigint; sum: bigint }> {
  for (const [at, columns] of hours.entries()) {
    const count = day[columns.count] ?? 0n
    if (count === 0n) continue
    const [high, middle, low] = [day[columns.high] ?? 0n, day[columns.middle] ?? 0n, day[columns.low] ?? 0n]
    yield { hour: new Date(day.day.getTime() + at * hourMs), count, sum: fromLimbs({ high, middle, low }) }
  }
}
