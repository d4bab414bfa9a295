import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { operatorsOnly } from '../operators-only.ts'
import { chargeRest, giveBack } from './charge-ahead.ts'
import { chargeOnce } from './charge-once.ts'
import { nextItemId } from './close-period.ts'
import { subscriptions } from './collections.ts'
import type { Item, Subscription } from './find-subscription.ts'
import { askLicenses, followLicenses } from './follow-licenses.ts'
import { placed } from './rated-lines.ts'
import type { OpenLine } from './rated-lines.ts'
import { isOnce, priceOf, readPrices } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'
import { resolveItems } from './resolve-items.ts'
import type { Resolved } from './resolve-items.ts'
import type { ChangeInput } from './subscription-schemas.ts'
import { requireClosed, requireLive, requireMayEnd, told } from './subscription-state.ts'

/**
 * Changes what a subscription consists of. At once: what was charged ahead is given back for the rest of the period
 * and the new charged for it, to the minor unit, on the next invoice; usage up to now stays with the old price.
 * At the end of the period: nothing moves until then. Throws Fault `forbidden` for prices that a customer picks itself.
 */
export async function changeSubscription(
  deps: Deps,
  caller: Caller,
  { subscription: stored, customer }: { subscription: Stored<Subscription>; customer: Customer },
  input: ChangeInput,
): Promise<Plan<Subscription>> {
  operatorsOnly(caller, input, ['items'])
  const { version, ...before } = stored
  requireMayEnd(caller, before)
  requireLive(before, 'changed')
  const { plan, items, seats } = input
  const at = await timeOf(deps, customer)
  requireClosed(before, at)
  const { subscription, prices, writes } = await followUp(deps, before, at)
  const wanted = { caller, customer, subscription, plan, seats, items, prices }
  const resolved = await resolveItems(deps, wanted)
  const changed =
    input.when === 'period_end' || subscription.status === 'scheduled'
      ? changeLater(subscription, resolved)
      : changeNow(subscription, { resolved, at })
  const { auditId, write } = told(deps, caller, 'subscription.updated', changed)
  const after = { ...changed, updatedAt: at, auditId }
  return {
    writes: [replace(subscriptions, after, version), ...writes, ...resolved.writes, write],
    answer: after,
  }
}

/** The subscription with what has followed on its licenses by now. That none are left does not end what is changed. */
async function followUp(deps: Deps, before: Subscription, at: Date) {
  const prices = await readPrices(
    deps,
    before.items.map(({ price }) => price),
  )
  const charges = await askLicenses(deps, before.tenant, [before])
  const { subscription, writes } = await followLicenses(deps, before, { charges, prices, until: at })
  const { cancelAt: _, ...followed } = subscription
  const { cancelAt } = before
  return { subscription: { ...followed, ...(cancelAt && { cancelAt }) }, prices, writes }
}

function changeLater(
  subscription: Subscription,
  { plan, items, interval, intervalCount }: Resolved,
): Subscription {
  const pendingChange = { ...(plan !== undefined && { plan }), items, interval, intervalCount }
  return { ...subscription, licenses: licensesOf(subscription, items), pendingChange }
}

function changeNow(before: Subscription, { resolved, at }: { resolved: Resolved; at: Date }): Subscription {
  const { interval, intervalCount, plan } = resolved
  if (interval !== before.interval || intervalCount !== before.intervalCount) {
    throw new Fault('invalid_state', {
      detail: 'A change to another interval takes place at the end of the period: give when: period_end',
    })
  }
  const { prices } = resolved
  const { items, lines } = swapItems(before, { resolved, at, prices })
  const { lines: single, ...once } =
    before.status === 'trialing' ? { lines: [] } : chargeOnce(before, items, { at, prices })
  const { pendingChange: _, plan: _old, ...rest } = before
  return {
    ...rest,
    ...(plan !== undefined && { plan }),
    items,
    licenses: licensesOf(before, items),
    ...once,
    pendingLines: placed([...before.pendingLines, ...lines, ...single]),
  }
}

/** The licenses that events name: once one was charged, it stays. */
function licensesOf({ licenses }: Subscription, items: readonly Pick<Item, 'license'>[]): string[] {
  return [...new Set([...licenses, ...items.flatMap(({ license }) => license ?? [])])]
}

/** The items from now on; those that stay as they are keep their charge, the others are settled for the rest. */
function swapItems(
  subscription: Subscription,
  { resolved, at, prices }: { resolved: Resolved; at: Date; prices: PricesById },
): { items: Item[]; lines: OpenLine[] } {
  const { period, whole, status } = subscription
  const isTrial = status === 'trialing'
  const live = subscription.items.filter(({ until }) => until === undefined)
  const stays = live.filter((item) =>
    resolved.items.some(({ price, quantity }) => price === item.price && quantity === item.quantity),
  )
  const leaving = live.filter((item) => !stays.includes(item))
  const lines = leaving.flatMap((item) => giveBack(item, { at, charged: { period, whole } }, prices))
  // Of a metered item that leaves, the usage so far is still to be charged; a trial's is not.
  const ended = subscription.items.filter(({ until }) => until !== undefined)
  const metered = isTrial ? [] : leaving.filter(({ price }) => priceOf(prices, price).meter !== undefined)
  const items = [...ended, ...metered.map((item) => ({ ...item, until: at })), ...stays]
  let nextId = nextItemId(subscription.items)
  for (const fresh of resolved.items) {
    const { price } = fresh
    if (stays.some((item) => item.price === price)) continue
    const isMetered = priceOf(prices, price).meter !== undefined
    const kept = leaving.find((item) => item.price === price && !isMetered)
    const item: Item = { ...fresh, id: kept?.id ?? String(nextId++) }
    if (isTrial || isOnce(priceOf(prices, price))) items.push(item)
    else if (isMetered) items.push({ ...item, from: at })
    else {
      const rest = chargeRest(item, { at, charged: { period, whole } }, prices)
      items.push(rest.item)
      lines.push(...rest.lines)
    }
  }
  return { items, lines }
}
