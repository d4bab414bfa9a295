import { describe, expect, test } from 'vitest'
import { price, type PriceInput } from './price.ts'
import { rateUsage } from './rate-usage.ts'
import { replayExplanation } from './replay-explanation.ts'
import type { Usage } from './usage.ts'

/** The total in minor units, after every line was replayed from its explanation. */
function total(definition: PriceInput, usage: Usage): number {
  const rated = rateUsage(price.parse(definition), usage)
  for (const line of rated.lines) expect(replayExplanation(line.explanation)).toBe(line.amount.amount)
  return Number(rated.total.amount)
}
const ofQuantities = (definition: PriceInput, quantities: readonly string[]): number[] =>
  quantities.map((quantity) => total(definition, { quantity }))
const payments = (...amounts: string[]): Usage => ({ events: amounts.map((amount) => ({ amount })) })

describe('Stripe, "Set up tiered pricing" (docs.stripe.com/subscriptions/pricing-models/tiered-pricing)', () => {
  const tiers = [
    { up_to: '5', unit_amount: '7' },
    { up_to: '10', unit_amount: '6.5' },
    { up_to: 'inf' as const, unit_amount: '6' },
  ]
  const quantities = ['1', '5', '6', '20', '25']

  test('volume-based pricing of fonts', () => {
    const table = [700, 3500, 3900, 12000, 15000]
    expect(ofQuantities({ model: 'volume', currency: 'USD', tiers }, quantities)).toEqual(table)
  })

  test('graduated pricing of the same tiers charges each font in its own tier', () => {
    const table = [700, 3500, 4150, 12750, 15750]
    expect(ofQuantities({ model: 'graduated', currency: 'USD', tiers }, quantities)).toEqual(table)
  })
})

describe('Stripe, "Tiered pricing" of 2020 (stripe.com/docs/billing/subscriptions/tiers)', () => {
  const tiers = [
    ...['5', '10', '15', '20'].map((bound, position) => ({
      up_to: bound,
      unit_amount: String(5 - position),
    })),
    { up_to: 'inf' as const, unit_amount: '1' },
  ]

  test('a price per unit', () => {
    const perUnit = { model: 'per_unit', currency: 'USD', unit_amount: '5' } as const
    expect(ofQuantities(perUnit, ['1', '5', '6', '20', '25'])).toEqual([500, 2500, 3000, 10000, 12500])
  })

  test('volume tiers, where 25 units cost less than 20', () => {
    const volume = { model: 'volume', currency: 'USD', tiers } as const
    expect(ofQuantities(volume, ['1', '5', '6', '20', '25'])).toEqual([500, 2500, 2400, 4000, 2500])
  })

  test('graduated tiers, where 6 units cost 29 dollars', () => {
    const graduated = { model: 'graduated', currency: 'USD', tiers } as const
    expect(ofQuantities(graduated, ['5', '6', '20', '25'])).toEqual([2500, 2900, 7000, 7500])
  })
})

describe('Stripe, "Transform quantities"', () => {
  test('ten dollars for each 5 users or a part of them (stripe.com/docs/billing/subscriptions/quantity-transformation)', () => {
    const suite = { model: 'package', currency: 'USD', size: '5', unit_amount: '10' } as const
    expect(ofQuantities(suite, ['1', '3', '5', '6', '7'])).toEqual([1000, 1000, 1000, 2000, 2000])
  })

  test('150 minutes of a car at ten dollars an hour (docs.stripe.com/billing/subscriptions/usage-based/transform-quantities)', () => {
    const rental = { model: 'package', currency: 'USD', size: '60', unit_amount: '10' } as const
    expect(total({ ...rental, round: 'up' }, { quantity: '150' })).toBe(3000)
    expect(total({ ...rental, round: 'down' }, { quantity: '150' })).toBe(2000)
  })

  test('a flat fee of 100 dollars, then 0.04 above 1000 (docs.stripe.com/…/use-cases/flat-fee-and-overages)', () => {
    const usage = { model: 'per_unit', currency: 'USD', unit_amount: '0.04', included: '1000' } as const
    expect(ofQuantities(usage, ['0', '1000', '1001', '2500'])).toEqual([0, 0, 4, 6000])
    expect(total({ model: 'flat', currency: 'USD', amount: 10000 }, { quantity: '2500' })).toBe(10000)
  })
})

describe('Lago, "Charge models" (getlago.com/docs/guide/plans/charges/charge-models)', () => {
  test('volume: 65,000 API calls in a tier with a fixed fee cost 49 dollars', () => {
    const tier = (upTo: string, unitAmount: string) => ({
      up_to: upTo,
      unit_amount: unitAmount,
      flat_amount: 1000,
    })
    const tiers = [
      tier('10000', '0.0010'),
      tier('50000', '0.0008'),
      tier('100000', '0.0006'),
      tier('inf', '0.0004'),
    ]
    expect(total({ model: 'volume', currency: 'USD', tiers }, { quantity: '65000' })).toBe(4900)
  })

  test('package: 5 dollars per 100 units after 100 free ones make 10 dollars for 201 units', () => {
    const definition = {
      model: 'package',
      currency: 'USD',
      size: '100',
      unit_amount: '5',
      included: '100',
    } as const
    expect(total(definition, { quantity: '201' })).toBe(1000)
  })

  test('percentage: 1.2% and 0.10 per transaction after 3 events or 500 dollars make 0.70 for the fourth', () => {
    const definition = {
      model: 'percentage',
      currency: 'USD',
      rate: '0.012',
      fixed_amount: '0.10',
      free_events: 3,
      free_amount: '500',
    } as const
    expect(total(definition, payments('200', '100', '100'))).toBe(0)
    expect(total(definition, payments('200', '100', '100', '50'))).toBe(70)
  })

  test('graduated percentage: three transactions add 205, 306 and 80 dollars', () => {
    const definition = {
      model: 'graduated_percentage',
      currency: 'USD',
      tiers: [
        { up_to: '1000', rate: '0.01', flat_amount: 20000 },
        { up_to: '10000', rate: '0.02', flat_amount: 30000 },
        { up_to: 'inf', rate: '0.03', flat_amount: 40000 },
      ],
    } satisfies PriceInput
    expect(total(definition, payments('500'))).toBe(20500)
    expect(total(definition, payments('500', '550'))).toBe(20500 + 30600)
    expect(total(definition, payments('500', '550', '4000'))).toBe(20500 + 30600 + 8000)
  })

  test('percentage: the card payments that Stripe charges 2.9% and 0.30 for (template "per transaction")', () => {
    const definition = { model: 'percentage', currency: 'USD', rate: '0.029', fixed_amount: '0.30' } as const
    expect(total(definition, payments('100'))).toBe(320)
    expect(total(definition, payments('100', '100'))).toBe(640)
  })
})

describe('other published tables', () => {
  test('Zuplo, "Pricing models": 15,000 units cost 600 dollars graduated and 150 by volume', () => {
    const tiers = [
      { up_to: '1000', unit_amount: '0.10' },
      { up_to: '10000', unit_amount: '0.05' },
      { up_to: 'inf', unit_amount: '0.01' },
    ]
    expect(total({ model: 'graduated', currency: 'USD', tiers }, { quantity: '15000' })).toBe(60000)
    expect(total({ model: 'volume', currency: 'USD', tiers }, { quantity: '15000' })).toBe(15000)
    expect(total({ model: 'per_unit', currency: 'USD', unit_amount: '0.001' }, { quantity: '100000' })).toBe(
      10000,
    )
  })

  test('Autumn, "Graduated pricing": 15,000 requests cost 107 dollars', () => {
    const tiers = [
      { up_to: '1000', unit_amount: '0.01' },
      { up_to: '10000', unit_amount: '0.008' },
      { up_to: 'inf', unit_amount: '0.005' },
    ]
    expect(total({ model: 'graduated', currency: 'USD', tiers }, { quantity: '15000' })).toBe(10700)
  })

  test('Chargebee, "Package pricing": 1.25 dollars per begun million of tokens', () => {
    const definition = { model: 'package', currency: 'USD', size: '1000000', unit_amount: '1.25' } as const
    expect(ofQuantities(definition, ['10', '1000000', '1500000'])).toEqual([125, 125, 250])
  })
})
