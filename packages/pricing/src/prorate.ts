import { allocate } from '@tallystick/money'
import { Temporal } from 'temporal-polyfill'
import { PricingError } from './pricing-error.ts'
import type { Fraction, Period, Share } from './share.ts'

/** What a part of a period is measured in: seconds (to the millisecond), or calendar days of an IANA time zone. */
export type ProrationUnit = { readonly by: 'second' } | { readonly by: 'day'; readonly zone: string }

/** What a change in the middle of a period moves, in minor units; `charge` less `refund` is due. */
export interface PeriodChange {
  /** The part of the old amount that was used up, and stays. */
  readonly used: bigint
  /** The part of the old amount that is given back; with `used` it makes the old amount. */
  readonly refund: bigint
  /** The part of the new amount for the rest of the period. */
  readonly charge: bigint
}

/**
 * Which share of a period lies in a part of it. By day, midnights of the zone are counted: a day of 23 or 25 hours is
 * one day, and the day of a change belongs to what comes after it. Shares of parts that tile a period sum to one. Throws
 * PricingError when the part leaves the period, or the period has no length in that unit.
 */
export function periodFraction(period: Period, part: Period, unit: ProrationUnit): Fraction {
  const isWithin = period.start <= part.start && part.start <= part.end && part.end <= period.end
  if (!isWithin) throw new PricingError('bad_period', 'the part does not lie within the period')
  const denominator = lengthOf(period, unit)
  if (denominator <= 0n) throw new PricingError('bad_period', `the period is shorter than a ${unit.by}`)
  return { numerator: lengthOf(part, unit), denominator }
}

/**
 * Which share of a period lies in a part of it, to the millisecond, with both; undefined for all of it. Throws PricingError
 * when the part leaves the period.
 */
export function shareOfPeriod(whole: Period, part: Period): Share | undefined {
  const isAll = whole.start.getTime() === part.start.getTime() && whole.end.getTime() === part.end.getTime()
  return isAll ? undefined : { ...periodFraction(whole, part, { by: 'second' }), part, whole }
}

/**
 * Splits the amounts of an old and a new price at the moment of a change. What remains is rounded half away from
 * zero and what is used is the rest, so that `used + refund` is exactly the old amount, and changing back at the same
 * moment moves nothing.
 */
export function prorateChange(input: {
  readonly period: Period
  readonly at: Date
  readonly unit: ProrationUnit
  readonly oldAmount: bigint
  readonly newAmount: bigint
}): PeriodChange {
  const { period, at, unit } = input
  const { numerator: elapsed, denominator } = periodFraction(period, { start: period.start, end: at }, unit)
  const weights = [denominator - elapsed, elapsed]
  const [refund = 0n, used = 0n] = allocate(input.oldAmount, weights)
  const [charge = 0n] = allocate(input.newAmount, weights)
  return { used, refund, charge }
}

function lengthOf({ start, end }: Period, unit: ProrationUnit): bigint {
  if (unit.by === 'second') return BigInt(end.getTime() - start.getTime())
  const days = dateOf(start, unit.zone).until(dateOf(end, unit.zone), { largestUnit: 'day' }).days
  return BigInt(days)
}

function dateOf(moment: Date, zone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(zone).toPlainDate()
}
