import { giveBack } from './charge-ahead.ts'
import type { Subscription } from './find-subscription.ts'
import { placed } from './rated-lines.ts'
import type { PricesById } from './read-prices.ts'

/** Cuts the open period short at `at`; what was charged ahead goes back for the rest. */
export function cutPeriod(subscription: Subscription, at: Date, prices: PricesById): Subscription {
  const { period, whole, items, pendingLines } = subscription
  const isOpen = period.start <= at && at < period.end
  if (!isOpen) return subscription
  const back = items.flatMap((item) => giveBack(item, { at, charged: { period, whole } }, prices))
  return {
    ...subscription,
    // A minimum is due for the share of the period that it was open.
    whole: whole ?? period,
    period: { start: period.start, end: at },
    pendingLines: placed([...pendingLines, ...back]),
  }
}
