import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PricingError } from './pricing-error.ts'
import { periodFraction, prorateChange, type ProrationUnit } from './prorate.ts'

const period = (start: string, end: string) => ({ start: new Date(start), end: new Date(end) })
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
]
const units: fc.Arbitrary<ProrationUnit> = fc.oneof(
  fc.constant({ by: 'second' as const }),
  fc.constantFrom(...zones).map((zone) => ({ by: 'day' as const, zone })),
)
const moments = (count: number): fc.Arbitrary<Date[]> =>
  fc
    .array(fc.date({ min: new Date('2010-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }), {
      minLength: count,
      maxLength: count,
    })
    .map((list) => list.sort((a, b) => a.getTime() - b.getTime()))
    .filter((list) => list.at(-1)!.getTime() - list[0]!.getTime() > 3 * 86_400_000)

describe('a share of a period', () => {
  test('counts a day of 23 or 25 hours as one day', () => {
    const zone = 'Europe/Berlin'
    const march = period('2026-02-28T23:00:00Z', '2026-03-31T22:00:00Z')
    const changed = { start: new Date('2026-03-29T22:00:00Z'), end: march.end }
    expect(periodFraction(march, changed, { by: 'day', zone })).toEqual({ numerator: 2n, denominator: 31n })
    const october = period('2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z')
    const longDay = period('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')
    expect(periodFraction(october, longDay, { by: 'day', zone })).toEqual({ numerator: 1n, denominator: 31n })
    const bySecond = periodFraction(october, longDay, { by: 'second' })
    expect(bySecond.numerator * 745n).toBe(bySecond.denominator * 25n)
  })

  test('takes the day from the time zone of the customer', () => {
    const month = period('2026-01-01T05:00:00Z', '2026-02-01T05:00:00Z')
    const rest = { start: new Date('2026-01-16T03:00:00Z'), end: month.end }
    expect(periodFraction(month, rest, { by: 'day', zone: 'America/New_York' }).numerator).toBe(17n)
    expect(periodFraction(month, rest, { by: 'day', zone: 'UTC' }).numerator).toBe(16n)
  })

  test('sums to one over parts that tile the period', () => {
    fc.assert(
      fc.property(moments(5), units, (list, unit) => {
        const whole = { start: list[0]!, end: list[4]! }
        const parts = [0, 1, 2, 3].map((i) =>
          periodFraction(whole, { start: list[i]!, end: list[i + 1]! }, unit),
        )
        const sum = parts.reduce((all, { numerator }) => all + numerator, 0n)
        return parts.every(({ numerator, denominator }) => numerator >= 0n && denominator === sum)
      }),
    )
  })

  test('refuses a part that leaves the period, and a period of no length', () => {
    const day = period('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')
    const unit = { by: 'second' } as const
    const refused = [
      [day, period('2025-12-31T23:59:59Z', '2026-01-02T00:00:00Z')],
      [day, period('2026-01-01T00:00:00Z', '2026-01-02T00:00:01Z')],
      [day, period('2026-01-01T12:00:00Z', '2026-01-01T11:00:00Z')],
      [day, { start: new Date(Number.NaN), end: day.end }],
      [
        period('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
        period('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
      ],
    ] as const
    for (const [whole, part] of refused) expect(() => periodFraction(whole, part, unit)).toThrow(PricingError)
  })
})

describe('a change in the middle of a period', () => {
  const june = period('2026-06-01T00:00:00Z', '2026-07-01T00:00:00Z')
  const byDay = { by: 'day', zone: 'UTC' } as const

  test('gives back the rest of the old amount and charges the rest of the new one', () => {
    const at = new Date('2026-06-11T15:00:00Z')
    const change = prorateChange({ period: june, at, unit: byDay, oldAmount: 1000n, newAmount: 3001n })
    expect(change).toEqual({ used: 333n, refund: 667n, charge: 2001n })
  })

  test('loses no minor unit: what is used and given back is what was paid', () => {
    const amounts = fc.bigInt({ min: 0n, max: 10n ** 15n })
    fc.assert(
      fc.property(moments(3), units, amounts, amounts, (list, unit, oldAmount, newAmount) => {
        const whole = { start: list[0]!, end: list[2]! }
        const at = list[1]!
        const { used, refund, charge } = prorateChange({ period: whole, at, unit, oldAmount, newAmount })
        const back = prorateChange({ period: whole, at, unit, oldAmount: newAmount, newAmount: oldAmount })
        expect(used + refund).toBe(oldAmount)
        expect([used, refund, charge].every((part) => part >= 0n)).toBe(true)
        // Upgrading and going back at the same moment moves nothing.
        expect(charge - refund + (back.charge - back.refund)).toBe(0n)
      }),
    )
  })

  test('at the ends of the period moves everything or nothing', () => {
    const change = (at: Date) =>
      prorateChange({ period: june, at, unit: byDay, oldAmount: 1000n, newAmount: 2500n })
    expect(change(june.start)).toEqual({ used: 0n, refund: 1000n, charge: 2500n })
    expect(change(june.end)).toEqual({ used: 1000n, refund: 0n, charge: 0n })
  })
})
