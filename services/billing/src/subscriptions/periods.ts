import { billingPeriodAt } from '@tallystick/pricing'
import type { BillingSchedule } from '@tallystick/pricing'
import { Temporal } from 'temporal-polyfill'
import type { Subscription } from './find-subscription.ts'

type Scheduled = Pick<Subscription, 'anchor' | 'anchorDay' | 'timeZone' | 'interval' | 'intervalCount'>

/** A period and, where it is shorter than that, the whole one that it is a part of. */
export interface OpenPeriod {
  period: { start: Date; end: Date }
  whole?: { start: Date; end: Date }
}

/**
 * The beginning of a period at or before `start`, at the wall time of `clockedLike`. Periods are counted from it, so it
 * is never one whose own wall time daylight saving has moved.
 */
export function anchorBefore(
  start: Date,
  { anchorDay, timeZone, interval, intervalCount }: Omit<Scheduled, 'anchor'>,
  clockedLike = start,
): Date {
  const [local, like] = [start, clockedLike].map((moment) =>
    Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(timeZone),
  ) as [Temporal.ZonedDateTime, Temporal.ZonedDateTime]
  const wall = like.toPlainTime()
  const month = local.toPlainDate().toPlainYearMonth()
  const step = intervalCount * (interval === 'year' ? 12 : 1)
  for (let back = 0; ; back += step) {
    const of = month.subtract({ months: back })
    const date = of.toPlainDate({ day: Math.min(anchorDay, of.daysInMonth) })
    const moment = date.toPlainDateTime(wall).toZonedDateTime(timeZone)
    const isEarlier = moment.epochMilliseconds <= start.getTime()
    if (isEarlier && moment.toPlainTime().equals(wall)) return new Date(moment.epochMilliseconds)
  }
}

/** The moment some days after another, at the same wall time. */
export function daysAfter(start: Date, days: number, timeZone: string): Date {
  const local = Temporal.Instant.fromEpochMilliseconds(start.getTime()).toZonedDateTimeISO(timeZone)
  return new Date(local.add({ days }).epochMilliseconds)
}

/** The day of the month that a moment falls on. */
export function dayOfMonth(moment: Date, timeZone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(timeZone).day
}

/** The charged period that begins at `start`: up to the next anchor, so the first may be shorter than the others. */
export function periodFrom(subscription: Scheduled, start: Date): OpenPeriod {
  const { anchor, anchorDay, timeZone: zone, interval, intervalCount } = subscription
  const schedule: BillingSchedule = { anchorDay, zone, start: anchor, interval, intervalCount }
  const found = billingPeriodAt(schedule, start)
  if (!found) throw new Error(`${start.toISOString()} lies before the anchor ${anchor.toISOString()}`)
  const whole = { start: found.start, end: found.end }
  const period = { start, end: found.end }
  return whole.start.getTime() === start.getTime() ? { period } : { period, whole }
}
