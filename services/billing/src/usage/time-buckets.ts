import { Temporal } from 'temporal-polyfill'
import { dayMs, hourMs } from './time-pieces.ts'

/** The lengths of time that usage is told by. */
export type BucketLength = 'hour' | 'day' | 'month'

/**
 * The moments that cut `[from, before)` into hours (UTC), or days or months of a time zone: from, every beginning in
 * between, and before. Undefined where there would be more than `most` pieces.
 */
export function cutTime(
  {
    from,
    before,
    bucket,
    timeZone,
  }: { from: Date; before: Date; bucket: BucketLength | undefined; timeZone: string },
  most: number,
): Date[] | undefined {
  const cuts = [from]
  const even = bucket === 'hour' ? hourMs : bucket === 'day' && timeZone === 'UTC' ? dayMs : undefined
  if (even !== undefined) {
    const first = (Math.floor(from.getTime() / even) + 1) * even
    for (let at = first; at < before.getTime(); at += even) {
      if (cuts.length >= most) return undefined
      cuts.push(new Date(at))
    }
  } else if (bucket !== undefined && bucket !== 'hour') {
    const start = Temporal.Instant.fromEpochMilliseconds(from.getTime()).toZonedDateTimeISO(timeZone)
    let next = beginning(start, bucket)
    for (;;) {
      next = next.add({ [`${bucket}s`]: 1 })
      // A day may begin at 01:00 where daylight saving takes midnight away.
      const at = next.startOfDay()
      if (at.epochMilliseconds >= before.getTime()) break
      if (cuts.length >= most) return undefined
      cuts.push(new Date(at.epochMilliseconds))
    }
  }
  return [...cuts, before]
}

function beginning(time: Temporal.ZonedDateTime, bucket: 'day' | 'month'): Temporal.ZonedDateTime {
  const day = time.startOfDay()
  return bucket === 'day' ? day : day.with({ day: 1 }).startOfDay()
}

/** The beginning of the month of a time zone that a moment lies in. */
export function monthOf(at: Date, timeZone: string): { start: Date; end: Date } {
  const time = Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(timeZone)
  const start = beginning(time, 'month')
  const end = start.add({ months: 1 }).startOfDay()
  return { start: new Date(start.epochMilliseconds), end: new Date(end.epochMilliseconds) }
}
