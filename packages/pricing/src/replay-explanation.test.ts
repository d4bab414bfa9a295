import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryEventPrice, arbitraryEvents, arbitraryPrice, arbitraryUsage } from './arbitrary-price.ts'
import { explanation, type Explanation } from './explanation.ts'
import { price } from './price.ts'
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

  test('refuses one that was tampered with, whichever figure was changed', () => {
    const definition = price.parse({
      model: 'graduated',
      currency: 'USD',
      included: '2',
      tiers: [
        { up_to: '10', unit_amount: '0.5', flat_amount: 100 },
        { up_to: 'inf', unit_amount: '0.25' },
      ],
    })
    const line = rateUsage(definition, { quantity: '20' }).lines[0]!
    const honest = line.explanation
    expect(replayExplanation(honest)).toBe(800n)
    const forgeries: Explanation[] = [
      { ...honest, amount: '801' },
      { ...honest, exact: '8.01' },
      { ...honest, currency: 'JPY' },
      { ...honest, proration: { numerator: '1', denominator: '2' } },
      { ...honest, steps: honest.steps.slice(0, -1) },
      ...honest.steps.flatMap((step, position) =>
        Object.keys(step)
          .filter((key) => ['quantity', 'included', 'billable', 'unit_amount', 'subtotal'].includes(key))
          .map((key) => ({ ...honest, steps: honest.steps.with(position, { ...step, [key]: '3' }) })),
      ),
    ]
    expect(forgeries.length).toBeGreaterThan(12)
    for (const forgery of forgeries) expect(() => replayExplanation(forgery)).toThrow(PricingError)
  })
})
