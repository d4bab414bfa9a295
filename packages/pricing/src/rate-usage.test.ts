import { formatDecimal, parseDecimal } from '@tallystick/money'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  arbitraryEventPrice,
  arbitraryEvents,
  arbitraryPrice,
  arbitraryUsage,
  decimals,
} from './arbitrary-price.ts'
import { explanation } from './explanation.ts'
import { price, type PriceInput } from './price.ts'
import { PricingError } from './pricing-error.ts'
import { rateUsage } from './rate-usage.ts'
import type { Usage } from './usage.ts'

const rate = (definition: PriceInput, usage: Usage) => rateUsage(price.parse(definition), usage)
const total = (definition: PriceInput, quantity: string): bigint =>
  rate(definition, { quantity }).total.amount
const codeOf = (run: () => unknown): string | undefined => {
  try {
    run()
  } catch (error) {
    if (error instanceof PricingError) return error.code
    throw error
  }
  return undefined
}
const wholes = fc.bigInt({ min: 0n, max: 10n ** 18n })
const pairs = fc
  .tuple(fc.constant(arbitraryPrice), fc.constant(arbitraryUsage))
  .chain((pair) => fc.tuple(...pair))
const eventPairs = fc.tuple(arbitraryEventPrice, arbitraryEvents)

describe('the total', () => {
  test('is the sum of its lines, and each line is the exact sum of its steps rounded once', () => {
    fc.assert(
      fc.property(fc.oneof(pairs, eventPairs), ([definition, usage]) => {
        const { lines, total: sum } = rateUsage(definition, usage)
        expect(sum.amount).toBe(lines.reduce((all, line) => all + line.amount.amount, 0n))
        expect(lines.every((line) => line.amount.currency === sum.currency)).toBe(true)
        for (const line of lines) expect(explanation.parse(line.explanation)).toEqual(line.explanation)
      }),
      { numRuns: 500 },
    )
  })

  test('is the same for the same usage, whatever came before', () => {
    fc.assert(
      fc.property(pairs, ([definition, usage]) => {
        expect(rateUsage(definition, usage)).toEqual(rateUsage(definition, usage))
      }),
    )
  })

  test('is nothing for no usage, where nothing is committed', () => {
    const plain = arbitraryPrice.filter((definition) => definition.model !== 'flat' && !definition.commitment)
    fc.assert(
      fc.property(plain, (definition) => rateUsage(definition, { quantity: '0' }).total.amount === 0n),
    )
    fc.assert(fc.property(plain, (definition) => rateUsage(definition, { events: [] }).total.amount === 0n))
  })

  test('never falls as the quantity grows, except for volume tiers', () => {
    const monotonic = arbitraryPrice.filter(
      (definition) =>
        definition.model !== 'volume' && definition.model !== 'matrix' && !definition.commitment,
    )
    fc.assert(
      fc.property(monotonic, wholes, wholes, (definition, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        const low = rateUsage(definition, { quantity: less.toString() }).total.amount
        return low <= rateUsage(definition, { quantity: more.toString() }).total.amount
      }),
      { numRuns: 500 },
    )
  })

  test('of graduated tiers without flat amounts is continuous: an instant after a bound costs next to nothing', () => {
    const definition = {
      model: 'graduated',
      currency: 'USD',
      tiers: [
        { up_to: '10', unit_amount: '5' },
        { up_to: '20', unit_amount: '0.5' },
        { up_to: 'inf', unit_amount: '9' },
      ],
    } satisfies PriceInput
    for (const bound of ['10', '20']) {
      expect(total(definition, `${bound}.000001`) - total(definition, bound)).toBe(0n)
    }
    expect(total(definition, '25.5')).toBe(5000n + 500n + 4950n)
  })

  test('of volume tiers jumps at a bound, even downwards', () => {
    const tiers = [
      { up_to: '10', unit_amount: '5' },
      { up_to: 'inf', unit_amount: '1' },
    ]
    expect(total({ model: 'volume', currency: 'USD', tiers }, '10')).toBe(5000n)
    expect(total({ model: 'volume', currency: 'USD', tiers }, '10.000000000001')).toBe(1000n)
  })

  test('is exact for huge quantities and 12 fraction digits, in currencies of every exponent', () => {
    const unit = '0.000000000001'
    const quantity = '999999999999999999.999999999999'
    const totals = ['JPY', 'USD', 'KWD', 'CLF'].map((currency) =>
      total({ model: 'per_unit', currency, unit_amount: unit }, quantity),
    )
    expect(totals).toEqual([1000000n, 100000000n, 1000000000n, 10000000000n])
    fc.assert(
      fc.property(wholes, decimals(6), (units, unitAmount) => {
        const exact = units * parseDecimal(unitAmount).mantissa * 10000n
        const divisor = 10n ** BigInt(parseDecimal(unitAmount).scale)
        const amount = total(
          { model: 'per_unit', currency: 'CLF', unit_amount: unitAmount },
          units.toString(),
        )
        const twice = 2n * (amount * divisor - exact)
        return twice <= divisor && twice > -divisor
      }),
    )
  })

  test('rounds once per line, half away from zero unless the price says otherwise', () => {
    const definition = { model: 'per_unit', currency: 'USD', unit_amount: '0.005' } as const
    expect([1, 2, 3, 5].map((units) => total(definition, String(units)))).toEqual([1n, 1n, 2n, 3n])
    const even = { ...definition, rounding: { mode: 'half_even' } } as const
    expect([1, 2, 3, 5].map((units) => total(even, String(units)))).toEqual([0n, 1n, 2n, 2n])
    // A thousand events of a tenth of a cent are one dollar, not a thousand roundings to nothing.
    const events = Array.from({ length: 1000 }, () => ({}))
    expect(rate({ ...definition, unit_amount: '0.001' }, { events }).total.amount).toBe(100n)
  })
})

describe('modifiers', () => {
  test('included units are free, and the overage factor holds for units after its bound', () => {
    const definition = {
      model: 'per_unit',
      currency: 'USD',
      unit_amount: '0.10',
      included: '100',
      overage: { after: '1000', factor: '1.5' },
    } as const
    const totals = ['100', '101', '1000', '1001', '2000'].map((quantity) => total(definition, quantity))
    expect(totals).toEqual([0n, 10n, 9000n, 9015n, 24000n])
  })

  test('a commitment is the least that a period costs; above it, its overage factor holds', () => {
    const definition = {
      model: 'per_unit',
      currency: 'USD',
      unit_amount: '1',
      commitment: { amount: 10000, overage_factor: '1.2' },
    } as const
    const kinds = (quantity: string) => rate(definition, { quantity }).lines.map((line) => line.kind)
    expect(['0', '40', '100', '150'].map((quantity) => total(definition, quantity))).toEqual([
      10000n,
      10000n,
      10000n,
      16000n,
    ])
    expect(kinds('40')).toEqual(['usage', 'true_up'])
    expect(kinds('100')).toEqual(['usage'])
    expect(kinds('150')).toEqual(['usage', 'overage'])
  })

  test('flat amounts, seats and commitments take their share of a period, usage does not', () => {
    const context = { proration: { numerator: 1n, denominator: 3n } }
    const prorated = (definition: PriceInput): bigint =>
      rateUsage(price.parse(definition), { quantity: '10' }, context).total.amount
    expect(prorated({ model: 'flat', currency: 'USD', amount: 10000 })).toBe(3333n)
    expect(prorated({ model: 'seat', currency: 'USD', unit_amount: '20' })).toBe(6667n)
    expect(prorated({ model: 'per_unit', currency: 'USD', unit_amount: '20' })).toBe(20000n)
    const committed = {
      model: 'per_unit',
      currency: 'USD',
      unit_amount: '1',
      commitment: { amount: 10000 },
    } as const
    expect(prorated(committed)).toBe(3333n)
  })

  test('a matrix charges each row by itself, the first match first, the default last', () => {
    const perUnit = (unitAmount: string) => ({ model: 'per_unit' as const, unit_amount: unitAmount })
    const definition = {
      model: 'matrix',
      currency: 'EUR',
      dimensions: ['country', 'tier'],
      rows: [
        { match: { country: 'DE', tier: 'gold' }, charge: perUnit('0.50') },
        { match: { country: 'DE' }, charge: perUnit('1') },
      ],
      default: perUnit('2'),
    } satisfies PriceInput
    const slice = (country: string, tier: string, quantity: string) => ({
      dimensions: { country, tier },
      quantity,
    })
    const usage = {
      byDimension: [
        slice('FR', 'gold', '1'),
        slice('DE', 'gold', '3'),
        slice('DE', 'tin', '5'),
        slice('IT', 'tin', '1'),
      ],
    }
    const { lines } = rate(definition, usage)
    expect(lines.map((line) => [line.dimensions, line.amount.amount])).toEqual([
      [{ country: 'DE', tier: 'gold' }, 150n],
      [{ country: 'DE' }, 500n],
      [{}, 400n],
    ])
    const { default: _, ...strict } = definition
    expect(codeOf(() => rate(strict, usage))).toBe('no_price_for_dimensions')
    expect(codeOf(() => rate(strict, { quantity: '1' }))).toBe('no_price_for_dimensions')
  })
})

describe('percentages', () => {
  const events = (...amounts: string[]): Usage => ({ events: amounts.map((amount) => ({ amount })) })

  test('hold each event within its bounds', () => {
    const bounded = {
      model: 'percentage',
      currency: 'USD',
      rate: '0.01',
      minimum_amount: '0.50',
      maximum_amount: '2',
    } as const
    expect(rate(bounded, events('10', '100', '1000')).total.amount).toBe(50n + 100n + 200n)
  })

  test('charge no minimum for what the free tier gives away', () => {
    const definition = {
      model: 'percentage',
      currency: 'USD',
      rate: '0.01',
      minimum_amount: '5',
      free_amount: '100',
    } as const
    expect(rate(definition, events('100', '20')).total.amount).toBe(500n)
    expect(rate(definition, events('150', '20')).total.amount).toBe(50n + 500n)
  })

  test('take the free amount off the first events, also within one', () => {
    const definition = { model: 'percentage', currency: 'USD', rate: '0.1', free_amount: '150' } as const
    expect(rate(definition, events('100', '100', '100')).total.amount).toBe(1500n)
    expect(total(definition, '300')).toBe(1500n)
  })

  test('end the free tier for both parts when either of its bounds is used up, not before', () => {
    const definition = {
      model: 'percentage',
      currency: 'USD',
      rate: '0.1',
      fixed_amount: '1',
      free_events: 3,
      free_amount: '300',
    } as const
    const totals = [
      ['200', '100'],
      ['200', '101'],
      ['200', '100', '0'],
      ['1', '1', '1', '10'],
    ].map((amounts) => rate(definition, events(...amounts)).total.amount)
    expect(totals).toEqual([0n, 110n, 0n, 200n])
  })

  test('need the events where a price is per event, and refuse negative ones', () => {
    const definition = { model: 'percentage', currency: 'USD', rate: '0.1', fixed_amount: '0.30' } as const
    expect(codeOf(() => total(definition, '300'))).toBe('events_required')
    expect(codeOf(() => rate(definition, events('5', '-1')))).toBe('bad_quantity')
    const tiers = [{ up_to: 'inf', rate: '0.1' }]
    const graduated = { model: 'graduated_percentage', currency: 'USD', tiers } satisfies PriceInput
    expect(codeOf(() => rate(graduated, events('5', '-6')))).toBe('bad_quantity')
    const nameless: Usage = { events: [{ amount: '5' }, {}] }
    for (const one of [definition, graduated])
      expect(codeOf(() => rate(one, nameless))).toBe('amount_required')
  })
})

describe('usage', () => {
  test('of seats is whole, and no usage is negative', () => {
    const seats = { model: 'seat', currency: 'USD', unit_amount: '20' } as const
    expect(codeOf(() => total(seats, '1.5'))).toBe('bad_quantity')
    expect(codeOf(() => total(seats, '-1'))).toBe('bad_quantity')
    expect(total(seats, '3.0')).toBe(6000n)
  })

  test('given as events costs what its sum costs, where the price knows no single events', () => {
    const prices = arbitraryPrice.filter(
      ({ model }) => model !== 'matrix' && model !== 'percentage' && model !== 'graduated_percentage',
    )
    const lists = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(prices, lists, (definition, quantities) => {
        const events = quantities.map((quantity) => ({ quantity: quantity.toString() }))
        const sum = formatDecimal({ mantissa: quantities.reduce((a, b) => a + b, 0n), scale: 0 })
        return (
          rateUsage(definition, { events }).total.amount ===
          rateUsage(definition, { quantity: sum }).total.amount
        )
      }),
    )
  })
})
