import { formatDecimal } from '@tallystick/money'
import fc from 'fast-check'
import { price, type Price } from './price.ts'
import type { Usage } from './usage.ts'

/** Decimal text with up to 12 fraction digits, below 10^`digits`. */
export function decimals(digits: number): fc.Arbitrary<string> {
  return fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** BigInt(digits + 12) - 1n }), fc.nat(12))
    .map(([mantissa, dropped]) =>
      formatDecimal({ mantissa: mantissa / 10n ** BigInt(dropped), scale: 12 - dropped }),
    )
    .filter((text) => text.split('.')[0]!.length <= 18)
}

const currencies = fc.constantFrom('USD', 'JPY', 'KWD', 'CLF')
const bounds = fc
  .uniqueArray(fc.integer({ min: 1, max: 100_000 }), { maxLength: 5 })
  .map((list) => [...list.sort((a, b) => a - b).map(String), 'inf'])
const unitTiers = bounds.chain((list) =>
  fc.tuple(
    ...list.map((bound) =>
      fc.record(
        { up_to: fc.constant(bound), unit_amount: decimals(4), flat_amount: fc.nat(100_000) },
        { requiredKeys: ['up_to', 'unit_amount'] },
      ),
    ),
  ),
)
const rates = fc.nat(10 ** 6).map((millionths) => formatDecimal({ mantissa: BigInt(millionths), scale: 6 }))
const rateTiers = bounds.chain((list) =>
  fc.tuple(...list.map((bound) => fc.record({ up_to: fc.constant(bound), rate: rates }))),
)
const included = { included: fc.nat(1000).map(String) }
const overage = {
  overage: fc.record({ after: fc.nat(2000).map(String), factor: fc.constantFrom('0.5', '1.25', '3') }),
}
const optional = (
  record: Record<string, fc.Arbitrary<unknown>>,
  ...required: string[]
): fc.Arbitrary<object> => fc.record(record, { requiredKeys: required })

/** Charges that may stand alone or in a row of a matrix. */
const charges: fc.Arbitrary<object> = fc.oneof(
  optional(
    { model: fc.constantFrom('per_unit', 'seat'), unit_amount: decimals(6), ...included, ...overage },
    'model',
    'unit_amount',
  ),
  optional(
    {
      model: fc.constant('package'),
      size: fc.integer({ min: 1, max: 5000 }).map(String),
      unit_amount: decimals(6),
      round: fc.constantFrom('up', 'down'),
      ...included,
    },
    'model',
    'size',
    'unit_amount',
  ),
  optional(
    { model: fc.constantFrom('graduated', 'volume'), tiers: unitTiers, ...included },
    'model',
    'tiers',
  ),
  optional({ model: fc.constant('graduated_percentage'), tiers: rateTiers }, 'model', 'tiers'),
  optional({ model: fc.constant('percentage'), rate: rates, free_amount: decimals(4) }, 'model', 'rate'),
)
const commitment = optional(
  { amount: fc.nat(10 ** 9), overage_factor: fc.constantFrom('0.5', '1', '1.5') },
  'amount',
)
const modifiers = optional({ currency: currencies, commitment }, 'currency')

/** Prices of every model that can be rated by a quantity alone. */
export const arbitraryPrice: fc.Arbitrary<Price> = fc
  .tuple(
    modifiers,
    fc.oneof(
      charges,
      fc.record({ model: fc.constant('flat'), amount: fc.nat(10 ** 9) }),
      fc.record({
        model: fc.constant('matrix'),
        dimensions: fc.constant(['country']),
        rows: fc.tuple(charges, charges).map(([first, second]) => [
          { match: { country: 'DE' }, charge: first },
          { match: { country: 'FR' }, charge: second },
        ]),
        default: charges,
      }),
    ),
  )
  .map(([common, model]) => price.parse({ ...common, ...model }))

/** Percentage prices with everything that needs the events themselves. */
export const arbitraryEventPrice: fc.Arbitrary<Price> = fc
  .tuple(
    modifiers,
    optional(
      {
        rate: rates,
        fixed_amount: decimals(2),
        minimum_amount: fc.constantFrom('0', '0.5', '1.25'),
        maximum_amount: fc.constantFrom('1.25', '3', '200'),
        free_events: fc.nat(5),
        free_amount: decimals(4),
      },
      'rate',
    ),
  )
  .map(([common, model]) => price.parse({ ...common, ...model, model: 'percentage' }))

const quantities = fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String)
const countries = fc.constantFrom('DE', 'FR', 'US').map((country) => ({ country }))

/** Whole quantities up to 10^18, as one aggregate, by country, or as events. */
export const arbitraryUsage: fc.Arbitrary<Usage> = fc.oneof(
  fc.record({ quantity: quantities }),
  fc.record({
    byDimension: fc.array(fc.record({ dimensions: countries, quantity: quantities }), { maxLength: 6 }),
  }),
  fc.record({
    events: fc.array(
      fc.record(
        { quantity: quantities, amount: decimals(6), dimensions: countries },
        { requiredKeys: ['amount'] },
      ),
      { maxLength: 12 },
    ),
  }),
)

/** Events alone. */
export const arbitraryEvents = fc.record({
  events: fc.array(fc.record({ amount: decimals(5) }), { maxLength: 20 }),
})
