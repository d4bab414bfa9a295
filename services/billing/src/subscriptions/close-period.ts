import type { Usage } from '@tallystick/pricing'
import { chargeAhead } from './charge-ahead.ts'
import { chargeOnce } from './charge-once.ts'
import { chargeUsage, usagePeriodOf } from './charge-usage.ts'
import type { BilledUsage } from './charge-usage.ts'
import type { Item, Subscription } from './find-subscription.ts'
import { anchorBefore, periodFrom } from './periods.ts'
import type { OpenLine } from './rated-lines.ts'
import { priceOf } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'
import { isLive, liveStatus } from './standing.ts'

/** What the end of a period brings: the lines to invoice and the subscription as it goes on. */
export interface Closed {
  subscription: Subscription
  lines: OpenLine[]
  billed: BilledUsage[]
}

/** Usage may be reported this long after it occurred, so an ended subscription is looked at once more by then. */
export interface ClosingTerms {
  lateUsageDays: number
}

const dayMs = 86_400_000

/** The items whose usage of the open period is charged when it closes; none of a trial. */
export function meteredItems(subscription: Subscription, prices: PricesById): Item[] {
  if (!isLive(subscription)) return []
  return subscription.items.filter((item) => {
    const { start, end } = usagePeriodOf(subscription, item)
    return start < end && priceOf(prices, item.price).meter !== undefined
  })
}

/**
 * Closes the open period of a subscription at its end and opens the next: usage is charged for the one, flat and seat
 * prices for the other, and what waited comes along. Says nothing but by its arguments, so a run that is repeated
 * comes to the same.
 */
export function closePeriod(
  subscription: Subscription,
  { usageOf, prices }: { usageOf(item: Item): Usage; prices: PricesById },
  { lateUsageDays }: ClosingTerms,
): Closed {
  const closed: Closed = { subscription, lines: [], billed: [] }
  for (const item of meteredItems(subscription, prices)) {
    const { lines, billed } = chargeUsage(subscription, item, { usage: usageOf(item), prices })
    closed.lines.push(...lines)
    closed.billed.push(billed)
  }
  const { dueAt: _, failure: _failure, pendingLines, ...rest } = subscription
  closed.lines.push(...pendingLines.map(({ id: _place, ...line }) => line))
  const settled: Subscription = { ...rest, pendingLines: [], closings: subscription.closings + 1 }
  const boundary = subscription.period.end
  if (subscription.status === 'canceled') return { ...closed, subscription: settled }
  const canceledAt = endOf(subscription, boundary)
  if (canceledAt) {
    const dueAt = closed.billed.length > 0 ? new Date(boundary.getTime() + lateUsageDays * dayMs) : undefined
    const ended = { ...settled, status: 'canceled' as const, canceledAt }
    return { ...closed, subscription: { ...ended, ...(dueAt && { dueAt }) } }
  }
  if (subscription.pausedAt !== undefined)
    return { ...closed, subscription: { ...settled, status: 'paused' } }
  const opened = openPeriod(settled, boundary, prices)
  return { ...closed, subscription: opened.subscription, lines: [...closed.lines, ...opened.lines] }
}

/** When a subscription ends with its period: as was asked for, or because it is suspended. */
function endOf({ cancelAt, pausedAt, status }: Subscription, boundary: Date): Date | undefined {
  if (cancelAt !== undefined && cancelAt <= boundary) return cancelAt
  return status === 'suspended' && pausedAt === undefined ? boundary : undefined
}

/** Opens the period that begins at `start`: the trial while it lasts, else a charged one. */
function openPeriod(
  subscription: Subscription,
  start: Date,
  prices: PricesById,
): { subscription: Subscription; lines: OpenLine[] } {
  const { trialEnd } = subscription
  if (trialEnd && start < trialEnd) {
    const period = { start, end: trialEnd }
    return { subscription: dueAtEnd({ ...subscription, status: 'trialing', period }), lines: [] }
  }
  const { whole: _, ...changed } = applyPending(subscription, start)
  const { period, whole } = periodFrom(changed, start)
  const live = changed.items.filter(({ until }) => until === undefined)
  const { items, lines } = chargeAhead(live, { period, whole }, prices)
  const { lines: single, ...once } = chargeOnce(changed, items, { at: period.start, prices })
  return {
    subscription: dueAtEnd({
      ...changed,
      status: liveStatus(changed),
      items,
      period,
      ...(whole && { whole }),
      ...once,
    }),
    lines: [...lines, ...single],
  }
}

/** The subscription with what was to change at the end of the period. */
function applyPending(subscription: Subscription, boundary: Date): Subscription {
  const { pendingChange, plan: _, ...rest } = subscription
  if (!pendingChange) return subscription
  const { plan, interval, intervalCount, items } = pendingChange
  const { interval: before, intervalCount: countBefore, anchor } = rest
  const isSame = interval === before && intervalCount === countBefore
  const former = { interval: before, intervalCount: countBefore, anchor, until: boundary }
  return {
    ...rest,
    ...(plan !== undefined && { plan }),
    items: items.map((item, place) => ({
      ...item,
      id: rest.items.find(({ price }) => price === item.price)?.id ?? String(nextItemId(rest.items) + place),
    })),
    interval,
    intervalCount,
    // Periods of another length are counted from where they begin, on the same day at the same wall time.
    ...(!isSame && {
      anchor: anchorBefore(boundary, { ...rest, interval, intervalCount }, anchor),
      formerSchedules: [...(rest.formerSchedules ?? []), former],
    }),
  }
}

/** A number that no item of the subscription has had yet. */
export function nextItemId(items: readonly Item[]): number {
  return Math.max(0, ...items.map(({ id }) => Number(id))) + 1
}

function dueAtEnd(subscription: Subscription): Subscription {
  return { ...subscription, dueAt: subscription.period.end }
}
