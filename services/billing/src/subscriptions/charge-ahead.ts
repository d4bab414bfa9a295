import { prorateChange, rateUsage } from '@tallystick/pricing'
import type { Period, Rating } from '@tallystick/pricing'
import type { Item } from './find-subscription.ts'
import { shareOf } from './periods.ts'
import { invoiceLines } from './rated-lines.ts'
import type { OpenLine } from './rated-lines.ts'
import { priceOf } from './read-prices.ts'
import type { PricesById, ReadPrice } from './read-prices.ts'

/** A period and the whole one whose share it is charged. */
export interface Charged {
  period: Period
  whole?: Period | undefined
}

/** Items with what was charged for them, and the lines that do. */
export interface Ahead {
  items: Item[]
  lines: OpenLine[]
}

/** Charges flat and seat prices ahead for a period that begins. Metered items go through as they are. */
export function chargeAhead(items: readonly Item[], { period, whole }: Charged, prices: PricesById): Ahead {
  const ahead: Ahead = { items: [], lines: [] }
  for (const { id, price: priceId, quantity } of items) {
    const item = { id, price: priceId, quantity }
    const price = priceOf(prices, priceId)
    if (price.meter !== undefined) {
      ahead.items.push(item)
      continue
    }
    const { lines, total } = rateAhead(price, quantity, { period, whole })
    ahead.items.push({ ...item, advance: { from: period.start, amount: total.amount } })
    ahead.lines.push(...invoiceLines(lines, { price, item: id, period }))
  }
  return ahead
}

/** What a price that is not metered costs for a period. Throws PricingError for a quantity that it cannot take. */
export function rateAhead(price: ReadPrice, quantity: number, { period, whole }: Charged): Rating {
  const proration = shareOf(whole ?? period, period)
  return rateUsage(price.definition, { quantity: String(quantity) }, proration ? { proration } : {})
}

/** What is given back of an item's charge for the rest of the period, as a line; none where nothing was charged. */
export function giveBack(
  { id, price: priceId, quantity, advance }: Item,
  { at, end }: { at: Date; end: Date },
  prices: PricesById,
): OpenLine[] {
  if (!advance || advance.from >= end) return []
  const period = { start: advance.from, end }
  const unit = { by: 'second' } as const
  const { refund } = prorateChange({ period, at, unit, oldAmount: advance.amount, newAmount: 0n })
  return prorated(priceOf(prices, priceId), id, quantity, {
    amount: -refund,
    what: 'Unused time',
    period: { start: at, end },
  })
}

/** The charge for the rest of a period of an item that begins within it. */
export function chargeRest(
  { id, price: priceId, quantity }: Item,
  { at, charged }: { at: Date; charged: Charged },
  prices: PricesById,
): { item: Item; lines: OpenLine[] } {
  const price = priceOf(prices, priceId)
  const { period } = charged
  const full = rateAhead(price, quantity, charged).total.amount
  const unit = { by: 'second' } as const
  const { charge } = prorateChange({ period, at, unit, oldAmount: 0n, newAmount: full })
  const lines = prorated(price, id, quantity, {
    amount: charge,
    what: 'Remaining time',
    period: { start: at, end: period.end },
  })
  return { item: { id, price: priceId, quantity, advance: { from: at, amount: charge } }, lines }
}

function prorated(
  price: ReadPrice,
  item: string,
  quantity: number,
  { amount, what, period }: { amount: bigint; what: string; period: { start: Date; end: Date } },
): OpenLine[] {
  if (amount === 0n) return []
  const times = quantity === 1 ? '' : ` × ${quantity}`
  const line: OpenLine = {
    kind: 'proration',
    description: `${what}: ${price.name}${times}`,
    price: price.id,
    subscriptionItem: item,
    quantity: String(quantity),
    amount,
    period,
    ...(price.taxCode !== undefined && { taxCode: price.taxCode }),
  }
  return [line]
}
