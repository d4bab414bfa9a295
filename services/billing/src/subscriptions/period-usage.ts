import type { Price, Usage } from '@tallystick/pricing'
import { PricingError } from '@tallystick/pricing'
import { Fault } from '@tallystick/protocol'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { aggregateUsage } from '../usage/aggregate-usage.ts'
import { findMeter } from '../usage/find-meters.ts'
import { markBilled } from '../usage/late-usage.ts'
import { readUsage } from '../usage/read-usage.ts'
import type { ReadPrice } from './read-prices.ts'

/** The usage of a customer that a price charges. */
export interface UsageWanted {
  customer: Customer
  /** A price with a meter. */
  price: ReadPrice
  from: Date
  before: Date
}

/**
 * Notes that usage up to the ends of some periods is being billed. It is committed before that usage is read: whatever
 * is reported from then on is late, so nothing falls between reading and invoicing.
 */
export async function closeReporting(
  deps: Pick<Deps, 'store'>,
  wanted: readonly UsageWanted[],
): Promise<void> {
  const until = new Map<string, { tenant: string; until: Date }>()
  for (const { customer, before } of wanted) {
    const known = until.get(customer.id)
    if (!known || known.until < before) until.set(customer.id, { tenant: customer.tenant, until: before })
  }
  if (until.size === 0) return
  await deps.store.attempt(async () => {
    const marks = [...until].map(([customer, of]) => markBilled(deps, { customer, ...of }))
    const writes = (await Promise.all(marks)).flat()
    if (writes.length > 0) await deps.store.commit(writes)
  })
}

/** The usage of each in the form that its price rates; an error in place of what cannot be told. */
export async function readUsages(
  deps: Pick<Deps, 'store' | 'now'>,
  wanted: readonly UsageWanted[],
): Promise<(Usage | Error)[]> {
  return Promise.all(
    wanted.map(async (one) => {
      const { customer, price, from, before } = one
      const { definition, meter = '', license } = price
      try {
        if (license !== undefined) return await usageOfLicense(deps, one, { meter, license })
        const question = { meter, customer: customer.id, from, before, ...shapeOf(definition) }
        return (await aggregateUsage(deps, customer.tenant, question)).usage
      } catch (error) {
        if (error instanceof TypeError || error instanceof Fault || error instanceof PricingError)
          return error
        throw error
      }
    }),
  )
}

/** What the customer used of one license: of events that name several, each is used. */
async function usageOfLicense(
  deps: Pick<Deps, 'store'>,
  { customer: { tenant, id: customer }, from, before }: UsageWanted,
  { meter: name, license }: { meter: string; license: string },
): Promise<Usage> {
  const meter = await findMeter(deps, tenant, name)
  if (from >= before) return { quantity: '0' }
  const cuts = [from, before]
  const { total } = await readUsage(deps, { tenant, meter, customer, license, cuts, groupBy: [] })
  return { quantity: total }
}

/** A price with amounts per event needs the events, a matrix one quantity for each combination of its dimensions. */
function shapeOf(price: Price): { events?: true; groupBy?: readonly string[] } {
  if (price.model === 'matrix') {
    const charges = [...price.rows.map(({ charge }) => charge), ...(price.default ? [price.default] : [])]
    return charges.some(needsEvents) ? { events: true } : { groupBy: price.dimensions }
  }
  return needsEvents(price) ? { events: true } : {}
}

function needsEvents(charge: { model: string }): boolean {
  const perEvent = ['fixed_amount', 'minimum_amount', 'maximum_amount', 'free_events', 'free_amount']
  return charge.model === 'percentage' && perEvent.some((name) => Object.hasOwn(charge, name))
}
