import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryEventPrice, arbitraryEvents, arbitraryPrice, arbitraryUsage } from './arbitrary-price.ts'
import { explanation, type Explanation } from './explanation.ts'
import { price, type PriceInput } from './price.ts'
import { PricingError } from './pricing-error.ts'
import { rateUsage } from './rate-usage.ts'
import { replayExplanation } from './replay-explanation.ts'

const fractions = fc
  .tuple(fc.bigInt({ min: 0n, max: 100n }), fc.bigInt({ min: 100n, max: 10n ** 9n }))
  .map(([numerator, denominator]) => ({ numerator, denominator }))

describe('replaying an explanation', () => {
  test('gives the amount of the line, also after a trip through JSON', () => {
    const cases = fc.oneof(
      fc.tuple(arbitraryPrice, arbitraryUsage),
      fc.tuple(arbitraryEventPrice, arbitraryEvents),
    )
    fc.assert(
      fc.property(cases, fc.option(fractions, { nil: undefined }), ([definition, usage], proration) => {
        for (const line of rateUsage(definition, usage, proration ? { proration } : {}).lines) {
          const read = explanation.parse(JSON.parse(JSON.stringify(line.explanation)))
          expect(replayExplanation(read)).toBe(line.amount.amount)
        }
      }),
      { numRuns: 500 },
    )
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
  const describing = new Set(['step', 'of', 'from', 'to', 'round'])
  const steps = honest.steps.flatMap((step, position) =>
    Object.keys(step)
      .filter((key) => !describing.has(key))
      .map((key) => ({ ...honest, steps: honest.steps.with(position, { ...step, [key]: '1234567' }) })),
  )
  const share = { numerator: '1', denominator: '7' }
  return [...steps, { ...honest, amount: '1' }, { ...honest, exact: '1.23' }, { ...honest, proration: share }]
}
