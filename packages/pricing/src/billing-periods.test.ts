import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import { billingPeriodAt, billingPeriods, type BillingSchedule } from './billing-periods.ts'
import { PricingError } from './pricing-error.ts'
import { isTimeZone } from './time-zone.ts'

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
]
const localOf = (moment: Date, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(zone)
const schedules: fc.Arbitrary<BillingSchedule> = fc.record({
  anchorDay: fc.integer({ min: 1, max: 31 }),
  zone: fc.constantFrom(...zones),
  start: fc.date({ min: new Date('2008-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }),
  interval: fc.constantFrom('month', 'year'),
  intervalCount: fc.integer({ min: 1, max: 6 }),
})

describe('billing periods', () => {
  test('anchored to the 31st end on the last day of short months and come back to the 31st', () => {
    const start = new Date('2027-12-31T10:00:00Z')
    const periods = billingPeriods({ anchorDay: 31, zone: 'UTC', start, interval: 'month', count: 5 })
    expect(periods.map(({ start: day }) => day.toISOString().slice(0, 10))).toEqual([
      '2027-12-31',
      '2028-01-31',
      '2028-02-29',
      '2028-03-31',
      '2028-04-30',
    ])
  })

  test('of years from 29 February end on the 28th in common years', () => {
    const start = new Date('2024-02-29T00:00:00Z')
    const periods = billingPeriods({ anchorDay: 29, zone: 'UTC', start, interval: 'year', count: 5 })
    expect(periods.map(({ start: day }) => day.toISOString().slice(0, 10))).toEqual([
      '2024-02-29',
      '2025-02-28',
      '2026-02-28',
      '2027-02-28',
      '2028-02-29',
    ])
  })

  test('keep the local time of day across daylight saving', () => {
    const start = new Date('2026-03-14T23:00:00Z')
    const zone = 'Europe/Berlin'
    const [march, april] = billingPeriods({ anchorDay: 15, zone, start, interval: 'month', count: 2 })
    expect(march?.end.toISOString()).toBe('2026-04-14T22:00:00.000Z')
    expect(april?.end.toISOString()).toBe('2026-05-14T22:00:00.000Z')
  })

  test('move a boundary out of the hour that daylight saving skips, and only that one', () => {
    const start = new Date('2026-02-28T01:30:00Z')
    const zone = 'Europe/Berlin'
    const periods = billingPeriods({ anchorDay: 29, zone, start, interval: 'month', count: 3 })
    // 02:30 on 29 March 2026 does not exist in Berlin.
    expect(
      periods.map(({ start: boundary }) => localOf(boundary, zone).toPlainDateTime().toString()),
    ).toEqual(['2026-02-28T02:30:00', '2026-03-29T03:30:00', '2026-04-29T02:30:00'])
  })

  test('begin with a shorter one when the start is no anchor', () => {
    const start = new Date('2026-01-20T00:00:00Z')
    const [first, second] = billingPeriods({ anchorDay: 1, zone: 'UTC', start, interval: 'month', count: 2 })
    expect(first).toEqual({ start, end: new Date('2026-02-01T00:00:00Z') })
    expect(second).toEqual({ start: first?.end, end: new Date('2026-03-01T00:00:00Z') })
  })

  test('tile time without gap or overlap, on the anchor day at the same local time', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const periods = billingPeriods({ ...schedule, count: 30 })
        expect(periods[0]?.start).toEqual(schedule.start)
        const time = localOf(schedule.start, schedule.zone).toPlainTime()
        for (const [position, { start, end }] of periods.entries()) {
          expect(end > start).toBe(true)
          expect(periods[position + 1]?.start ?? end).toEqual(end)
          const local = localOf(end, schedule.zone)
          const day = local.toPlainDate().with({ day: Math.min(schedule.anchorDay, local.daysInMonth) })
          const wanted = day.toPlainDateTime(time)
          const real = wanted.toZonedDateTime(schedule.zone).toPlainDateTime()
          // A skipped day, as in Apia at the end of 2011, moves the boundary off its anchor.
          if (real.equals(wanted)) expect(local.toPlainDateTime().toString()).toBe(wanted.toString())
        }
      }),
    )
  })

  test('name the one period that a moment lies in', () => {
    fc.assert(
      fc.property(
        schedules,
        fc.nat(19),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (schedule, position, share) => {
          const { start, end } = billingPeriods({ ...schedule, count: 20 })[position]!
          const at = new Date(start.getTime() + Math.floor((end.getTime() - start.getTime()) * share))
          expect(billingPeriodAt(schedule, at)).toEqual({ start, end, position })
          expect(billingPeriodAt(schedule, new Date(end.getTime() - 1))?.position).toBe(position)
          expect(billingPeriodAt(schedule, end)?.position).toBe(position + 1)
        },
      ),
    )
  })

  test('are not cut before the start, nor from a schedule that makes no sense', () => {
    const schedule = {
      anchorDay: 1,
      zone: 'UTC',
      start: new Date('2026-01-01T00:00:00Z'),
      interval: 'month',
    } as const
    expect(billingPeriodAt(schedule, new Date('2025-12-31T23:59:59Z'))).toBeUndefined()
    const refused = [{ anchorDay: 0 }, { anchorDay: 32 }, { anchorDay: 1.5 }, { intervalCount: 0 }]
    for (const wrong of [...refused, { start: new Date(Number.NaN) }]) {
      expect(() => billingPeriods({ ...schedule, ...wrong, count: 1 })).toThrow(PricingError)
    }
  })
})

test('a time zone is an IANA name', () => {
  expect([...zones, 'America/Argentina/Buenos_Aires'].every(isTimeZone)).toBe(true)
  expect(['', '+01:00', 'Mars/Olympus', 'Europe/Berlin ', '__proto__'].some(isTimeZone)).toBe(false)
})
