import { Temporal } from 'temporal-polyfill'
import { localMoment, onPlainDay } from './local-days.ts'
import { PricingError } from './pricing-error.ts'
import type { Period } from './share.ts'

/** When periods begin: on a day of the month (or of the start's month each year) at the local wall time of the start. */
export interface BillingSchedule {
  /** 1 to 31; in a shorter month its last day, and the anchor again in the next. */
  readonly anchorDay: number
  /** IANA name of the customer's time zone. */
  readonly zone: string
  /** The first period begins here; it is shorter when this is not an anchor. */
  readonly start: Date
  readonly interval: 'month' | 'year'
  /** Months or years per period; one unless given. */
  readonly intervalCount?: number
}

/**
 * The first `count` periods of a schedule: half-open, without gap or overlap. A wall time that daylight saving skips is
 * moved on by the length of the gap for that one boundary; of one that occurs twice, the first is taken.
 */
export function billingPeriods(schedule: BillingSchedule & { readonly count: number }): Period[] {
  const boundaryOf = boundaries(schedule)
  return Array.from({ length: schedule.count }, (_, position) => ({
    start: boundaryOf(position),
    end: boundaryOf(position + 1),
  }))
}

/** The period of a schedule that a moment lies in, and its position from 0; undefined before the start. */
export function billingPeriodAt(
  schedule: BillingSchedule,
  at: Date,
): (Period & { readonly position: number }) | undefined {
  if (at < schedule.start) return undefined
  const boundaryOf = boundaries(schedule)
  const from = localMoment(schedule.zone, schedule.start)
  const to = localMoment(schedule.zone, at)
  const months = (to.year - from.year) * 12 + to.month - from.month
  // The moment's month names the period up to one; from there it is found by looking.
  let position = Math.max(0, Math.floor(months / monthsPerPeriod(schedule)) - 1)
  let start = boundaryOf(position)
  let end = boundaryOf(position + 1)
  while (end <= at) {
    position += 1
    start = end
    end = boundaryOf(position + 1)
  }
  return { start, end, position }
}

/** The start of the period at a position. */
function boundaries(schedule: BillingSchedule): (position: number) => Date {
  requireSchedule(schedule)
  const { zone } = schedule
  const first = localMoment(zone, schedule.start)
  const anchor = (steps: number): Date => {
    const months = first.year * 12 + first.month - 1 + steps * monthsPerPeriod(schedule)
    const year = Math.floor(months / 12)
    const month = (months % 12) + 1
    // The day is taken anew from the anchor each time: 31 January, 29 February, 31 March.
    const day = Math.min(schedule.anchorDay, new Date(Date.UTC(year, month, 0)).getUTCDate())
    const date = { year, month, day }
    const since = first.sinceMidnightMs
    return (since === undefined ? undefined : onPlainDay(zone, date, since)) ?? atWallTime(schedule, date)
  }
  const skipped = anchor(0) > schedule.start ? 1 : 0
  return (position) => (position === 0 ? schedule.start : anchor(position - skipped))
}

/** The moment of a date at the wall time of the start. */
function atWallTime(
  { start, zone }: BillingSchedule,
  date: { year: number; month: number; day: number },
): Date {
  const wall = Temporal.Instant.fromEpochMilliseconds(start.getTime()).toZonedDateTimeISO(zone).toPlainTime()
  const instant = Temporal.PlainDate.from(date).toPlainDateTime(wall).toZonedDateTime(zone)
  return new Date(instant.epochMilliseconds)
}

function requireSchedule({ anchorDay, intervalCount = 1, start }: BillingSchedule): void {
  if (!Number.isInteger(anchorDay) || anchorDay < 1 || anchorDay > 31) {
    throw new PricingError('bad_period', `a period cannot be anchored to day ${anchorDay} of a month`)
  }
  if (!Number.isInteger(intervalCount) || intervalCount < 1) {
    throw new PricingError('bad_period', `a period cannot last ${intervalCount} intervals`)
  }
  if (Number.isNaN(start.getTime())) throw new PricingError('bad_period', 'the start is no date')
}

const monthsPerPeriod = ({ interval, intervalCount = 1 }: BillingSchedule): number =>
  intervalCount * (interval === 'year' ? 12 : 1)
