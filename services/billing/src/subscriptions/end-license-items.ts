import { chargeRest, giveBack } from './charge-ahead.ts'
import { nextItemId } from './close-period.ts'
import type { Item, Subscription } from './find-subscription.ts'
import { placed } from './rated-lines.ts'
import type { OpenLine } from './rated-lines.ts'
import { priceOf } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'
import { isLive } from './standing.ts'

/** A license in the place of one that was superseded: charged from `startsAt` on, until it ends itself. */
export interface SucceedingLicense {
  item: { price: string; license: string; quantity: number }
  startsAt: Date
  endsAt?: Date
}

/** When a license ended, and what has followed on it, one after the other. */
export interface EndedLicense {
  endsAt: Date
  chain: readonly SucceedingLicense[]
}

interface Ends {
  ends: ReadonlyMap<string, EndedLicense>
  prices: PricesById
  /** Up to when that is looked at. */
  until: Date
}

/** A subscription with the items of licenses that have ended settled, and those that follow in their places. */
export function endLicenseItems(subscription: Subscription, about: Ends): Subscription {
  const { pendingChange: _, cancelAt, ...rest } = subscription
  const { items, lines } = settleItems(subscription, about)
  const change = changeAfter(subscription, about)
  const goesOn = change ? change.items.length > 0 : items.some(({ until }) => until === undefined)
  const stopsAt = goesOn ? cancelAt : about.until
  const followed = [...about.ends.values()].flatMap(({ chain }) => chain.map(({ item }) => item.license))
  return {
    ...rest,
    items,
    licenses: [...new Set([...rest.licenses, ...followed])],
    ...(change && goesOn && { pendingChange: change }),
    ...(stopsAt && { cancelAt: stopsAt }),
    pendingLines: placed([...rest.pendingLines, ...lines]),
  }
}

function settleItems(subscription: Subscription, about: Ends): { items: Item[]; lines: OpenLine[] } {
  const items: Item[] = []
  const lines: OpenLine[] = []
  let nextId = nextItemId(subscription.items)
  const end = (item: Item, at: Date): void => {
    const ended = endItem(subscription, { item, at }, about)
    items.push(...ended.items)
    lines.push(...ended.lines)
  }
  for (const item of subscription.items) {
    const ending = item.until === undefined ? about.ends.get(item.license ?? '') : undefined
    if (!ending) {
      items.push(item)
      continue
    }
    end(item, ending.endsAt)
    for (const next of ending.chain) {
      const begun = beginItem(subscription, { next, id: String(nextId++) }, about)
      lines.push(...begun.lines)
      if (next.endsAt) end(begun.item, next.endsAt)
      else items.push(begun.item)
    }
  }
  return { items, lines }
}

/** Usage up to now is still to be charged; what was charged ahead goes back for the time after the end. */
function endItem(
  subscription: Subscription,
  { item, at }: { item: Item; at: Date },
  { prices, until }: Ends,
): { items: Item[]; lines: OpenLine[] } {
  const { period, whole } = subscription
  if (priceOf(prices, item.price).meter !== undefined) {
    const ended = { ...item, until: until < period.end ? until : period.end }
    // What a trial was used for is not charged.
    return { items: isLive(subscription) ? [ended] : [], lines: [] }
  }
  return {
    items: [],
    lines: at < period.end ? giveBack(item, { at, charged: { period, whole } }, prices) : [],
  }
}

function beginItem(
  subscription: Subscription,
  { next, id }: { next: SucceedingLicense; id: string },
  { prices }: Ends,
): { item: Item; lines: OpenLine[] } {
  const { period, whole } = subscription
  const at = next.startsAt < period.start ? period.start : next.startsAt
  const item: Item = { id, ...next.item }
  if (!isLive(subscription) || at >= period.end) return { item, lines: [] }
  if (priceOf(prices, item.price).meter !== undefined) return { item: { ...item, from: at }, lines: [] }
  return chargeRest(item, { at, charged: { period, whole } }, prices)
}

function changeAfter({ pendingChange }: Subscription, { ends }: Ends): Subscription['pendingChange'] {
  if (!pendingChange) return undefined
  const items = pendingChange.items.flatMap((item) => {
    const ending = ends.get(item.license ?? '')
    if (!ending) return [item]
    const last = ending.chain.at(-1)
    return last && !last.endsAt ? [last.item] : []
  })
  return { ...pendingChange, items }
}
