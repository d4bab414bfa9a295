import { rateUsage } from '@tallystick/pricing'
import type { Item, Subscription } from './find-subscription.ts'
import { invoiceLines } from './rated-lines.ts'
import type { OpenLine } from './rated-lines.ts'
import { isOnce, priceOf } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'

/** Charges at `at` what is due once and was not charged yet: the lines, and all that was charged by then. */
export function chargeOnce(
  { chargedOnce = [] }: Pick<Subscription, 'chargedOnce'>,
  items: readonly Item[],
  { at, prices }: { at: Date; prices: PricesById },
): { lines: OpenLine[]; chargedOnce?: string[] } {
  const charged = [...chargedOnce]
  const lines: OpenLine[] = []
  for (const { id, price: priceId, license, quantity } of items) {
    const price = priceOf(prices, priceId)
    if (license === undefined || !isOnce(price) || charged.includes(license)) continue
    const rated = rateUsage(price.definition, { quantity: String(quantity) }).lines
    lines.push(...invoiceLines(rated, { price, item: id, period: { start: at, end: at } }))
    charged.push(license)
  }
  return { lines, ...(charged.length > 0 && { chargedOnce: charged }) }
}
