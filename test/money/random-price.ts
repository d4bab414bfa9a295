import { price } from '@tallystick/pricing'
import type { Price } from '@tallystick/pricing'
import type { Random } from './random.ts'

type Shape = Record<string, unknown>

/** A price of any model; `metered` ones charge usage, by country only where `byCountry`. */
export function randomPrice(
  random: Random,
  about: { currency: string; interval: 'month' | 'year'; metered: boolean; byCountry: boolean },
): Price {
  const { currency, interval, metered, byCountry } = about
  const common = { currency, recurring: { interval } }
  const model = metered ? meteredShape(random, byCountry) : aheadShape(random)
  const commitment =
    metered && random.chance(0.25)
      ? {
          commitment: {
            amount: random.between(0, 5000),
            ...(random.chance(0.5) && { overage_factor: random.pick(['0.5', '1', '1.25']) }),
          },
        }
      : {}
  return price.parse({ ...common, ...model, ...commitment })
}

function aheadShape(random: Random): Shape {
  if (random.chance(0.5)) return { model: 'flat', amount: random.between(0, 20_000) }
  return { model: 'seat', unit_amount: unitAmount(random), ...(random.chance(0.3) && { included: '2' }) }
}

function meteredShape(random: Random, byCountry: boolean): Shape {
  if (!byCountry || random.chance(0.5)) return chargeShape(random)
  return {
    model: 'matrix',
    dimensions: ['country'],
    rows: [
      { match: { country: 'DE' }, charge: chargeShape(random) },
      { match: { country: 'FR' }, charge: chargeShape(random) },
    ],
    default: chargeShape(random),
  }
}

function chargeShape(random: Random): Shape {
  const included = random.chance(0.3) ? { included: String(random.below(50)) } : {}
  switch (random.below(6)) {
    case 0: {
      const overage = random.chance(0.3) ? { overage: { after: '60', factor: '1.5' } } : {}
      return { model: 'per_unit', unit_amount: unitAmount(random), ...included, ...overage }
    }
    case 1: {
      const round = random.pick(['up', 'down'])
      return {
        model: 'package',
        size: random.pick(['10', '7.5']),
        unit_amount: unitAmount(random),
        round,
        ...included,
      }
    }
    case 2:
      return { model: 'graduated', tiers: tiers(random), ...included }
    case 3:
      return { model: 'volume', tiers: tiers(random), ...included }
    case 4:
      return percentageShape(random)
    default:
      return {
        model: 'graduated_percentage',
        tiers: [
          { up_to: String(random.between(5, 90)), rate: '0.05' },
          { up_to: 'inf', rate: '0.021' },
        ],
      }
  }
}

function percentageShape(random: Random): Shape {
  return {
    model: 'percentage',
    rate: random.pick(['0.029', '0.1', '0.0005']),
    ...(random.chance(0.5) && { fixed_amount: '0.3' }),
    ...(random.chance(0.3) && { minimum_amount: '0.5', maximum_amount: '3' }),
    ...(random.chance(0.3) && { free_events: random.below(4) }),
    ...(random.chance(0.3) && { free_amount: String(random.below(40)) }),
  }
}

function tiers(random: Random): Shape[] {
  const first = random.between(1, 30)
  return [
    { up_to: String(first), unit_amount: unitAmount(random), flat_amount: random.below(300) },
    { up_to: String(first + random.between(1, 60)), unit_amount: unitAmount(random) },
    { up_to: 'inf', flat_amount: random.below(5000), unit_amount: unitAmount(random) },
  ]
}

const unitAmount = (random: Random): string =>
  random.pick(['0', '0.001', '0.0333', '0.05', '0.5', '1', '1.999', '12'])
