import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { operatorsOnly } from '../operators-only.ts'
import { chargeRest, giveBack } from './charge-ahead.ts'
import { nextItemId } from './close-period.ts'
import { subscriptions } from './collections.ts'
import type { Item, Subscription } from './find-subscription.ts'
import { placed } from './rated-lines.ts'
import type { OpenLine } from './rated-lines.ts'
import { priceOf, readPrices } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'
import { resolveItems } from './resolve-items.ts'
import type { Resolved } from './resolve-items.ts'
import type { ChangeInput } from './subscription-schemas.ts'
import { requireClosed, requireLive, told } from './subscription-state.ts'

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
  const { version, ...subscription } = stored
  requireLive(subscription, 'changed')
  const { tenant, currency } = subscription
  const { plan, items, seats } = input
  const at = await timeOf(deps, customer)
  requireClosed(subscription, at)
  const resolved = await resolveItems(deps, { tenant, currency, plan, seats, items })
  const changed =
    input.when === 'period_end' || subscription.status === 'scheduled'
      ? changeLater(subscription, resolved)
      : await changeNow(deps, subscription, { resolved, at })
  const { auditId, write } = told(deps, caller, 'subscription.updated', changed)
  const after = { ...changed, updatedAt: at, auditId }
  return { writes: [replace(subscriptions, after, version), write], answer: after }
}

function changeLater(
  subscription: Subscription,
  { plan, items, interval, intervalCount }: Resolved,
): Subscription {
  const pendingChange = { ...(plan !== undefined && { plan }), items, interval, intervalCount }
  return { ...subscription, pendingChange }
}

async function changeNow(
  deps: Deps,
  before: Subscription,
  { resolved, at }: { resolved: Resolved; at: Date },
): Promise<Subscription> {
  const { interval, intervalCount, plan } = resolved
  if (interval !== before.interval || intervalCount !== before.intervalCount) {
    throw new Fault('invalid_state', {
      detail: 'A change to another interval takes place at the end of the period: give when: period_end',
    })
  }
  const known = await readPrices(
    deps,
    before.items.map(({ price }) => price),
    resolved.prices,
  )
  const { items, lines } = swapItems(before, { resolved, at, prices: known })
  const { pendingChange: _, plan: _old, ...rest } = before
  return {
    ...rest,
    ...(plan !== undefined && { plan }),
    items,
    pendingLines: placed([...before.pendingLines, ...lines]),
  }
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
  for (const { price, quantity } of resolved.items) {
    if (stays.some((item) => item.price === price)) continue
    const isMetered = priceOf(prices, price).meter !== undefined
    const kept = leaving.find((item) => item.price === price && !isMetered)
    const item: Item = { id: kept?.id ?? String(nextId++), price, quantity }
    if (isTrial) items.push(item)
    else if (isMetered) items.push({ ...item, from: at })
    else {
      const rest = chargeRest(item, { at, charged: { period, whole } }, prices)
      items.push(rest.item)
      lines.push(...rest.lines)
    }
  }
  return { items, lines }
}
