import { PricingError } from '@tallystick/pricing'
import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { plans } from '../prices/collections.ts'
import { rateAhead } from './charge-ahead.ts'
import { licenseItems } from './license-items.ts'
import type { WantedLicenses } from './license-items.ts'
import { readPrices } from './read-prices.ts'
import type { PricesById, ReadPrice } from './read-prices.ts'
import type { ItemInput } from './subscription-schemas.ts'

/** What is subscribed to: prices and licenses that fit together. */
export interface Resolved {
  plan?: string
  trialDays: number
  items: { price: string; license?: string; quantity: number }[]
  interval: 'month' | 'year'
  intervalCount: number
  prices: PricesById
  /** By which the subscription holds its licenses; they belong first into its commit. */
  writes: Write[]
}

interface Wanted {
  caller: Pick<Caller, 'tenant' | 'account'>
  customer: Customer
  /** The subscription that takes it up. */
  subscription: WantedLicenses['subscription']
  plan?: string | undefined
  seats?: number | undefined
  items?: readonly ItemInput[] | undefined
  /** Prices that are known already; they are given with those of the items. */
  prices?: PricesById
}

/**
 * The prices of a plan or a list of items, checked: they are there, active, in the customer's currency, due in the same
 * interval, and can be charged. A license stands for the price that its pricing comes to. Throws Fault `reference_not_found` or `validation_failed` with pointers.
 */
export async function resolveItems(deps: Deps, wanted: Wanted): Promise<Resolved> {
  const { caller, customer, subscription } = wanted
  const { tenant } = caller
  const plan = wanted.plan === undefined ? undefined : await deps.store.get(plans, wanted.plan)
  if (wanted.plan !== undefined && (plan?.tenant !== tenant || !plan.active)) {
    throw refusal('reference_not_found', '/plan', 'names no plan that can be subscribed to')
  }
  const given: readonly ItemInput[] = plan ? plan.prices.map((price) => ({ price })) : (wanted.items ?? [])
  const prices = await readPrices(
    deps,
    given.flatMap(({ price }) => price ?? []),
    wanted.prices,
  )
  const licenses = new Map(
    given.flatMap(({ license }, place) => (license === undefined ? [] : [[place, license]])),
  )
  const isSeat = (price: string) => prices.get(price)?.definition.model === 'seat'
  const priced = given.map(({ price = '', quantity = 1 }) =>
    plan && isSeat(price) ? { price, quantity: wanted.seats ?? 1 } : { price, quantity },
  )
  const { currency } = customer
  for (const [place, item] of priced.entries())
    if (!licenses.has(place)) checkItem(item, place, { tenant, currency, plan: wanted.plan, prices })
  const licensed = await licenseItems(deps, { caller, customer, subscription, licenses, prices })
  const items = priced.map((item, place) => licensed.items.get(place) ?? item)
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
    writes: licensed.writes,
    interval: due.interval,
    intervalCount: due.interval_count,
    prices,
  }
}

function checkItem(
  { price: id, quantity }: { price: string; quantity: number },
  place: number,
  {
    tenant,
    currency,
    prices,
    plan,
  }: {
    tenant: string
    currency: string
    plan: string | undefined
    prices: PricesById
  },
): void {
  const pointer = plan === undefined ? `/items/${place}` : '/plan'
  const price = prices.get(id)
  if (price?.tenant !== tenant) throw refusal('reference_not_found', pointer, 'names no price')
  if (!price.active) throw refusal('reference_not_found', pointer, 'names a price that is archived')
  if (price.license !== undefined) {
    throw refusal('validation_failed', pointer, `is of a license: name ${price.license} in its place`)
  }
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
