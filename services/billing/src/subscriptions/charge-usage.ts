import { hash } from 'node:crypto'
import { money } from '@tallystick/money'
import { explanation, rateUsage, replaceRating, shareOfPeriod } from '@tallystick/pricing'
import type { Rating, Usage } from '@tallystick/pricing'
import { derivedId } from '@tallystick/protocol'
import { canonicalize } from '@tallystick/receipt'
import { z } from 'zod'
import type { billedUsage } from './collections.ts'
import type { Item, Subscription } from './find-subscription.ts'
import { invoiceLines } from './rated-lines.ts'
import type { OpenLine } from './rated-lines.ts'
import { priceOf } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'

/** The usage that an item was last charged for. */
export type BilledUsage = z.infer<typeof billedUsage.schema>

/** Charges an item's usage of a period that is over: the lines, and what they were charged for. */
export function chargeUsage(
  subscription: Subscription,
  item: Item,
  { usage, prices }: { usage: Usage; prices: PricesById },
): { lines: OpenLine[]; billed: BilledUsage } {
  const price = priceOf(prices, item.price)
  const period = usagePeriodOf(subscription, item)
  const whole = subscription.whole ?? subscription.period
  const proration = shareOfPeriod(whole, period)
  const rating = rateUsage(price.definition, usage, proration ? { proration } : {})
  const { tenant, customer, id } = subscription
  const billed: BilledUsage = {
    id: billedIdOf(tenant, id, item.id, period.start),
    tenant,
    customer,
    subscription: id,
    item: item.id,
    price: price.id,
    period,
    ...(proration && { whole }),
    rating: writeRating(rating),
    corrections: 0,
    end: period.end,
  }
  const telling = rating.lines.filter(({ amount, quantity }) => amount.amount !== 0n || quantity !== '0')
  return { lines: invoiceLines(telling, { price, item: item.id, period }), billed }
}

/**
 * Charges what late reports have changed: takes lines back as they were last charged and puts new ones in their place.
 * Undefined when it comes to the same.
 */
export function chargeLateUsage(
  billed: BilledUsage,
  { usage, prices }: { usage: Usage; prices: PricesById },
): { lines: OpenLine[]; billed: BilledUsage } | undefined {
  const price = priceOf(prices, billed.price)
  const proration = shareOfPeriod(billed.whole ?? billed.period, billed.period)
  const now = rateUsage(price.definition, usage, proration ? { proration } : {})
  const { reversal, line } = replaceRating(readRating(billed.rating, price.currency), now)
  if (reversal.lines.length + line.lines.length === 0) return undefined
  const of = { price, item: billed.item, period: billed.period }
  const lines = [
    ...invoiceLines(reversal.lines, of, 'late_usage_reversal'),
    ...invoiceLines(line.lines, of, 'late_usage'),
  ].filter(({ amount, quantity }) => amount !== 0n || quantity !== '0')
  return { lines, billed: { ...billed, rating: writeRating(now), corrections: billed.corrections + 1 } }
}

/** The stretch of the open period that an item's usage is charged for. */
export function usagePeriodOf({ period }: Pick<Subscription, 'period'>, { from, until }: Item) {
  return { start: from ?? period.start, end: until ?? period.end }
}

function billedIdOf(tenant: string, subscription: string, item: string, start: Date): string {
  const name = JSON.stringify([tenant, subscription, item, start.toISOString()])
  return derivedId('usage', hash('sha256', name))
}

const keptLine = z.strictObject({
  kind: z.enum(['flat', 'seat', 'usage', 'true_up', 'overage']),
  quantity: z.string(),
  dimensions: z.record(z.string(), z.string()).optional(),
  amount: z.string(),
  explanation,
})

function writeRating({ lines }: Rating): string {
  return canonicalize(
    lines.map(({ kind, quantity, dimensions, amount, explanation: how }) => ({
      kind,
      quantity,
      ...(dimensions && { dimensions }),
      amount: String(amount.amount),
      explanation: how,
    })),
  )
}

function readRating(text: string, currency: string): Rating {
  const lines = z
    .array(keptLine)
    .parse(JSON.parse(text))
    .map(({ dimensions, amount, ...line }) => ({
      ...line,
      ...(dimensions && { dimensions }),
      amount: money(BigInt(amount), currency),
    }))
  return {
    lines,
    total: money(
      lines.reduce((sum, { amount }) => sum + amount.amount, 0n),
      currency,
    ),
  }
}
