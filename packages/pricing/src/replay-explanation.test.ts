import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryEventPrice, arbitraryEvents, arbitraryPrice, arbitraryUsage } from './arbitrary-price.ts'
import { explainRest, reverseExplanation } from './explain-rest.ts'
import { explanation, type Explanation } from './explanation.ts'
import { price, type PriceInput } from './price.ts'
import { PricingError } from './pricing-error.ts'
import { shareOfPeriod } from './prorate.ts'
import { rateUsage } from './rate-usage.ts'
import { replayExplanation } from './replay-explanation.ts'
import { rerate } from './rerate.ts'

const fractions = fc
  .tuple(fc.bigInt({ min: 0n, max: 100n }), fc.bigInt({ min: 100n, max: 10n ** 9n }))
  .map(([numerator, denominator]) => ({ numerator, denominator }))

const moments = fc
  .uniqueArray(fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }), {
    minLength: 4,
    maxLength: 4,
    selector: Number,
  })
  .map((list) => list.toSorted((a, b) => a.getTime() - b.getTime()))

/** As a reader of the API gets it. */
const wired = (written: Explanation): Explanation => explanation.parse(JSON.parse(JSON.stringify(written)))

describe('replaying an explanation', () => {
  test('gives the amount of the line, also after a trip through JSON', () => {
    const cases = fc.oneof(
      fc.tuple(arbitraryPrice, arbitraryUsage),
      fc.tuple(arbitraryEventPrice, arbitraryEvents),
    )
    fc.assert(
      fc.property(cases, fc.option(fractions, { nil: undefined }), ([definition, usage], proration) => {
        for (const line of rateUsage(definition, usage, proration ? { proration } : {}).lines) {
          expect(replayExplanation(wired(line.explanation))).toBe(line.amount.amount)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('gives the amount of what is charged for the rest of a period, and of its reversal', () => {
    fc.assert(
      fc.property(arbitraryPrice, arbitraryUsage, moments, (definition, usage, [from, start, at, end]) => {
        const [whole, period] = [
          { start: from!, end: end! },
          { start: start!, end: end! },
        ]
        const proration = shareOfPeriod(whole, period)!
        const rating = rateUsage(definition, usage, { proration })
        const share = shareOfPeriod(period, { start: at!, end: end! })!
        const rest = explainRest(rating, share)
        expect(replayExplanation(wired(rest.explanation))).toBe(rest.amount.amount)
        const back = reverseExplanation(rest.explanation)
        expect(replayExplanation(wired(back))).toBe(-rest.amount.amount)
        expect(reverseExplanation(back)).toEqual(rest.explanation)
        expect(explainRest(rating).amount).toEqual(rating.total)
        const exactly = Number(rating.total.amount) * (Number(share.numerator) / Number(share.denominator))
        expect(Math.abs(Number(rest.amount.amount) - exactly)).toBeLessThan(1 + exactly * 1e-12)
      }),
    )
  })

  test('gives the amount of what late usage takes back and charges anew', () => {
    fc.assert(
      fc.property(arbitraryPrice, arbitraryUsage, arbitraryUsage, (definition, before, after) => {
        const { reversal, line } = rerate(definition, before, after)
        for (const one of [...reversal.lines, ...line.lines])
          expect(replayExplanation(wired(one.explanation))).toBe(one.amount.amount)
      }),
    )
  })

  test('refuses a share that is not the one of the stretches, and a minimum that is not the share of the whole', () => {
    const definition = price.parse({
      model: 'seat',
      currency: 'USD',
      unit_amount: '10',
      commitment: { amount: 9001 },
    })
    const [start, at, end] = ['2026-04-01', '2026-04-11', '2026-05-01'].map((day) => new Date(day)) as [
      Date,
      Date,
      Date,
    ]
    const share = shareOfPeriod({ start, end }, { start: at, end })!
    const [seats, minimum] = rateUsage(definition, { quantity: '5' }, { proration: share }).lines
    expect([seats?.amount.amount, minimum?.amount.amount]).toEqual([3333n, 2668n])
    const rest = explainRest(rateUsage(definition, { quantity: '5' }), share)
    expect(rest.amount.amount).toBe(6001n)
    const proration = {
      ...rest.explanation.proration!,
      part: { start: '2026-04-12T00:00:00Z', end: end.toISOString() },
    }
    const forgeries = [
      { ...rest.explanation, proration },
      { ...rest.explanation, proration: { ...proration, part: undefined } },
      { ...rest.explanation, proration: { numerator: '1', denominator: '0' } },
      ...forgeriesOf(rest.explanation),
      ...forgeriesOf(minimum!.explanation),
    ]
    for (const forgery of forgeries) expect(() => replayExplanation(forgery)).toThrow(PricingError)
  })

  test.each([
    [
      'graduated tiers',
      {
        model: 'graduated',
        currency: 'USD',
        included: '2',
        tiers: [
          { up_to: '10', unit_amount: '0.5', flat_amount: 100 },
          { up_to: 'inf', unit_amount: '0.25' },
        ],
      },
    ],
    ['packages', { model: 'package', currency: 'USD', size: '4', unit_amount: '0.5', included: '2' }],
    ['a commitment', { model: 'per_unit', currency: 'USD', unit_amount: '1', commitment: { amount: 5000 } }],
    [
      'overage',
      { model: 'per_unit', currency: 'USD', unit_amount: '1', overage: { after: '5', factor: '2' } },
    ],
    ['a share', { model: 'percentage', currency: 'USD', rate: '0.5', free_amount: '5' }],
  ] satisfies [string, PriceInput][])('of %s refuses any figure that was changed', (_, definition) => {
    for (const line of rateUsage(price.parse(definition), { quantity: '20' }).lines) {
      const honest = line.explanation
      expect(replayExplanation(honest)).toBe(line.amount.amount)
      for (const forgery of forgeriesOf(honest))
        expect(() => replayExplanation(forgery)).toThrow(PricingError)
    }
  })

  test('refuses a quantity that is off but makes as many packages', () => {
    const definition = price.parse({ model: 'package', currency: 'USD', size: '4', unit_amount: '0.5' })
    const honest = rateUsage(definition, { quantity: '18' }).lines[0]!.explanation
    const steps = honest.steps.map((step) => (step.step === 'packages' ? { ...step, quantity: '17' } : step))
    expect(() => replayExplanation({ ...honest, steps })).toThrow(PricingError)
  })
})

/** The explanation with one of its figures replaced, each in turn. */
function forgeriesOf(honest: Explanation): Explanation[] {
  // Names and bounds describe a charge; its quantity, prices and subtotal are what it is made of.
  const describing = new Set(['step', 'of', 'from', 'to', 'round', 'rounding', 'proration'])
  const steps = honest.steps.flatMap((step, position) =>
    Object.keys(step)
      .filter((key) => !describing.has(key))
      .map((key) => ({ ...honest, steps: honest.steps.with(position, { ...step, [key]: '1234567' }) })),
  )
  const share = { numerator: '1', denominator: '7' }
  return [...steps, { ...honest, amount: '1' }, { ...honest, exact: '1.23' }, { ...honest, proration: share }]
}
