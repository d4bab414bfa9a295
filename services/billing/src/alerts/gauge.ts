import { formatMoney, money } from '@tallystick/money'
import { price as priceSchema, rateUsage } from '@tallystick/pricing'
import type { Price } from '@tallystick/pricing'
import { fromScaled, toScaled } from '../usage/scaled.ts'
import type { UsageAlert } from './collections.ts'

/** How much is counted of each meter, × 10¹². */
export type Counted = ReadonlyMap<string, bigint>

/** Tells how the figures of meters stand to a limit. */
export interface Gauge {
  meters: readonly string[]
  /** The figure that is held against the limit, in parts that compare with it. */
  figure(counted: Counted): bigint
  limit: bigint
  show(figure: bigint): string
}

/** The gauge of an alert. Its prices are read once, since they are asked for every event. */
export function gaugeOf({ limit }: Pick<UsageAlert, 'limit'>): Gauge {
  if (limit.of === 'quantity') {
    return {
      meters: [limit.meter],
      figure: (counted) => counted.get(limit.meter) ?? 0n,
      limit: toScaled(limit.quantity),
      show: fromScaled,
    }
  }
  const { currency } = limit
  const prices = limit.prices.map(({ meter, definition }) => ({
    meter,
    price: priceSchema.parse(JSON.parse(definition)),
  }))
  return {
    meters: [...new Set(prices.map(({ meter }) => meter))],
    figure: (counted) =>
      prices.reduce((sum, { meter, price }) => sum + costOf(price, counted.get(meter) ?? 0n), 0n),
    limit: limit.amount,
    show: (figure) => formatMoney(money(figure, currency)),
  }
}

function costOf(price: Price, scaled: bigint): bigint {
  return rateUsage(price, { quantity: fromScaled(scaled) }).total.amount
}
