import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shareOfPeriod } from '@tallystick/pricing'
import { anchorBefore, daysAfter, periodFrom } from './periods.ts'

const monthly = { interval: 'month', intervalCount: 1 } as const

function boundaries(
  start: string,
  count: number,
  more: { timeZone: string; anchorDay: number; interval?: 'year' },
) {
  const schedule = { ...monthly, ...more }
  let from = new Date(start)
  const anchor = anchorBefore(from, schedule)
  return Array.from({ length: count }, () => {
    const { period } = periodFrom({ ...schedule, anchor }, from)
    from = period.end
    return from.toISOString()
  })
}

test('anchored to the 31st, periods begin on the last day of shorter months and on the 31st again', () => {
  expect(boundaries('2027-12-31T12:00:00Z', 4, { timeZone: 'UTC', anchorDay: 31 })).toEqual([
    '2028-01-31T12:00:00.000Z',
    '2028-02-29T12:00:00.000Z',
    '2028-03-31T12:00:00.000Z',
    '2028-04-30T12:00:00.000Z',
  ])
})

test('the wall time stays through daylight saving; a time that is skipped moves for once only', () => {
  expect(boundaries('2026-02-28T23:30:00Z', 2, { timeZone: 'Europe/Berlin', anchorDay: 1 })).toEqual([
    '2026-03-31T22:30:00.000Z',
    '2026-04-30T22:30:00.000Z',
  ])
  expect(boundaries('2026-02-08T07:30:00Z', 2, { timeZone: 'America/New_York', anchorDay: 8 })).toEqual([
    '2026-03-08T07:30:00.000Z',
    '2026-04-08T06:30:00.000Z',
  ])
})

test('a year from 29 February ends on the 28th, and on the 29th in the next leap year', () => {
  const ends = boundaries('2028-02-29T00:00:00Z', 4, { timeZone: 'UTC', anchorDay: 29, interval: 'year' })
  expect(ends.map((end) => end.slice(0, 10))).toEqual([
    '2029-02-28',
    '2030-02-28',
    '2031-02-28',
    '2032-02-29',
  ])
})

test('days of a trial are days of the calendar', () => {
  const end = daysAfter(new Date('2026-03-28T10:00:00Z'), 2, 'Europe/Berlin')
  expect(end.toISOString()).toBe('2026-03-30T09:00:00.000Z')
})

test('from whatever moment, a period lies within its whole one and the shares of both parts make one', () => {
  const zone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
  )
  const moment = fc.date({ min: new Date('2024-01-01'), max: new Date('2032-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(zone, moment, fc.integer({ min: 1, max: 31 }), (timeZone, start, anchorDay) => {
      const schedule = { ...monthly, timeZone, anchorDay }
      const anchor = anchorBefore(start, schedule)
      const { period, whole = period } = periodFrom({ ...schedule, anchor }, start)
      expect(period.start).toEqual(start)
      expect(anchor <= start && whole.start <= start && start < period.end).toBe(true)
      expect(whole.end).toEqual(period.end)
      const share = shareOfPeriod(whole, period)
      if (!share) return
      const rest = shareOfPeriod(whole, { start: whole.start, end: start })
      expect((rest?.numerator ?? 0n) + share.numerator).toBe(share.denominator)
    }),
    { numRuns: 200 },
  )
})
