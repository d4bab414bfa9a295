import { explainRest, rateUsage, reverseExplanation, shareOfPeriod } from '@tallystick/pricing'
import type { Explanation, Period, Rating, Rest } from '@tallystick/pricing'
import { canonicalize } from '@tallystick/receipt'
import type { Item } from './find-subscription.ts'
import { invoiceLines } from './rated-lines.ts'
import type { OpenLine } from './rated-lines.ts'
import { isOnce, priceOf } from './read-prices.ts'
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

/** Charges flat and seat prices ahead for a period that begins. What is metered or due once goes through as it is. */
export function chargeAhead(items: readonly Item[], { period, whole }: Charged, prices: PricesById): Ahead {
  const ahead: Ahead = { items: [], lines: [] }
  for (const { from: _, advance: _charged, ...item } of items) {
    const { id, quantity } = item
    const price = priceOf(prices, item.price)
    if (price.meter !== undefined || isOnce(price)) {
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
  const proration = shareOfPeriod(whole ?? period, period)
  return rateUsage(price.definition, { quantity: String(quantity) }, proration ? { proration } : {})
}

/**
 * What is given back of an item's charge for the rest of the period, as a line; none where nothing was charged. It is
 * what the rest would cost from here on, so going back to an item at the moment it was left moves nothing.
 */
export function giveBack(
  { id, price: priceId, quantity, advance }: Item,
  { at, charged }: { at: Date; charged: Charged },
  prices: PricesById,
): OpenLine[] {
  const { end } = charged.period
  if (!advance || advance.from >= end) return []
  const price = priceOf(prices, priceId)
  const from = at < advance.from ? advance.from : at
  const { amount, explanation } = rateRest(price, quantity, { from, charged })
  const back = { amount: -amount.amount, explanation: reverseExplanation(explanation) }
  return prorated(
    price,
    { item: id, quantity },
    { ...back, what: 'Unused time', period: { start: from, end } },
  )
}

/** The charge for the rest of a period of an item that begins within it. */
export function chargeRest(
  item: Item,
  { at, charged }: { at: Date; charged: Charged },
  prices: PricesById,
): { item: Item; lines: OpenLine[] } {
  const { id, quantity } = item
  const price = priceOf(prices, item.price)
  const { amount, explanation } = rateRest(price, quantity, { from: at, charged })
  const lines = prorated(
    price,
    { item: id, quantity },
    {
      amount: amount.amount,
      explanation,
      what: 'Remaining time',
      period: { start: at, end: charged.period.end },
    },
  )
  return { item: { ...item, advance: { from: at, amount: amount.amount } }, lines }
}

/** What a price costs for the rest of a charged period, to the millisecond. */
function rateRest(
  price: ReadPrice,
  quantity: number,
  { from, charged }: { from: Date; charged: Charged },
): Rest {
  const { period } = charged
  return explainRest(
    rateAhead(price, quantity, charged),
    shareOfPeriod(period, { start: from, end: period.end }),
  )
}

function prorated(
  price: ReadPrice,
  { item, quantity }: { item: string; quantity: number },
  {
    what,
    explanation,
    ...rest
  }: Pick<OpenLine, 'amount' | 'period'> & {
    what: string
    explanation: Explanation
  },
): OpenLine[] {
  if (rest.amount === 0n) return []
  const times = quantity === 1 ? '' : ` × ${quantity}`
  const line: OpenLine = {
    kind: 'proration',
    description: `${what}: ${price.name}${times}`,
    price: price.id,
    ...(price.license !== undefined && { license: price.license }),
    subscriptionItem: item,
    quantity: String(quantity),
    ...rest,
    explanation: canonicalize(explanation),
    ...(price.taxCode !== undefined && { taxCode: price.taxCode }),
  }
  return [line]
}
