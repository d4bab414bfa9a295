import { PricingError } from '@tallystick/pricing'
import { Fault } from '@tallystick/protocol'
import type { Deps } from '../deps.ts'
import { plans } from '../prices/collections.ts'
import { rateAhead } from './charge-ahead.ts'
import { readPrices } from './read-prices.ts'
import type { PricesById, ReadPrice } from './read-prices.ts'
import type { ItemInput } from './subscription-schemas.ts'

/** What is subscribed to: prices that fit together. */
export interface Resolved {
  plan?: string
  trialDays: number
  items: { price: string; quantity: number }[]
  interval: 'month' | 'year'
  intervalCount: number
  prices: PricesById
}

interface Wanted {
  tenant: string
  currency: string
  plan?: string | undefined
  seats?: number | undefined
  items?: readonly ItemInput[] | undefined
}

/**
 * The prices of a plan or a list of items, checked: they are there, active, in the customer's currency, due in the same
 * interval, and can be charged. Throws Fault `reference_not_found` or `validation_failed` with pointers.
 */
export async function resolveItems(deps: Pick<Deps, 'store'>, wanted: Wanted): Promise<Resolved> {
  const { tenant } = wanted
  const plan = wanted.plan === undefined ? undefined : await deps.store.get(plans, wanted.plan)
  if (wanted.plan !== undefined && (plan?.tenant !== tenant || !plan.active)) {
    throw refusal('reference_not_found', '/plan', 'names no plan that can be subscribed to')
  }
  const given = plan ? plan.prices.map((price) => ({ price, quantity: 1 })) : [...(wanted.items ?? [])]
  const prices = await readPrices(
    deps,
    given.map(({ price }) => price),
  )
  const isSeat = (price: string) => prices.get(price)?.definition.model === 'seat'
  const items = given.map((item) =>
    plan && isSeat(item.price) ? { ...item, quantity: wanted.seats ?? 1 } : item,
  )
  for (const [place, item] of items.entries()) checkItem(item, place, { ...wanted, prices })
  if (new Set(items.map(({ price }) => price)).size < items.length) {
    throw refusal('validation_failed', '/items', 'names a price twice: raise its quantity')
  }
  const dues = items.flatMap(({ price }) => prices.get(price)?.definition.recurring ?? [])
  const due = dues[0] ?? { interval: plan?.interval ?? 'month', interval_count: 1 }
  const differs = dues.some(
    ({ interval, interval_count: count }) => interval !== due.interval || count !== due.interval_count,
  )
  if (differs || (plan && plan.interval !== due.interval)) {
    throw refusal('validation_failed', plan ? '/plan' : '/items', 'holds prices of different intervals')
  }
  return {
    ...(plan && { plan: plan.id }),
    trialDays: plan?.trialDays ?? 0,
    items,
    interval: due.interval,
    intervalCount: due.interval_count,
    prices,
  }
}

function checkItem(
  { price: id, quantity }: ItemInput,
  place: number,
  { tenant, currency, prices, plan }: Wanted & { prices: PricesById },
): void {
  const pointer = plan === undefined ? `/items/${place}` : '/plan'
  const price = prices.get(id)
  if (price?.tenant !== tenant) throw refusal('reference_not_found', pointer, 'names no price')
  if (!price.active) throw refusal('reference_not_found', pointer, 'names a price that is archived')
  if (price.currency !== currency) {
    throw refusal('validation_failed', pointer, `is in ${price.currency}; the customer pays in ${currency}`)
  }
  const why = whyNotCharged(price, quantity)
  if (why !== undefined) throw refusal('validation_failed', pointer, why)
}

function whyNotCharged(price: ReadPrice, quantity: number): string | undefined {
  const { model } = price.definition
  if (quantity !== 1 && (price.meter !== undefined || model === 'flat')) {
    return 'has a quantity, which only a seat price has'
  }
  if (price.meter !== undefined) return undefined
  if (model !== 'flat' && model !== 'seat') return `charges usage (${model}) and names no meter to count it`
  try {
    const period = { start: new Date(0), end: new Date(1) }
    rateAhead(price, quantity, { period })
    return undefined
  } catch (error) {
    if (error instanceof PricingError) return error.message
    throw error
  }
}

function refusal(code: 'reference_not_found' | 'validation_failed', pointer: string, message: string): Fault {
  return new Fault(code, { errors: [{ pointer, message }] })
}
