import { replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { clearLateUsage, lateUsageOf } from '../usage/late-usage.ts'
import type { LateUsage } from '../usage/late-usage.ts'
import { chargeLateUsage } from './charge-usage.ts'
import type { BilledUsage } from './charge-usage.ts'
import { billedUsage } from './collections.ts'
import { readUsages } from './period-usage.ts'
import type { OpenLine } from './rated-lines.ts'
import { priceOf, readPrices } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'

/** What late usage of a customer adds to its next invoice. */
export interface Correction {
  lines: OpenLine[]
  writes: Write[]
}

/** Customers whose usage has changed after it was invoiced, with the hours in which it has. */
export type LateCustomers = ReadonlyMap<string, { customer: Customer; late: readonly LateUsage[] }>

const hourMs = 3_600_000

/** Looks for late usage of customers. Read before any usage is: what comes later must stay noted as late. */
export async function lateCustomers(
  deps: Pick<Deps, 'store'>,
  tenant: string,
  customers: readonly Customer[],
): Promise<LateCustomers> {
  const found = new Map<string, { customer: Customer; late: readonly LateUsage[] }>()
  for (const customer of customers) {
    const late = await lateUsageOf(deps, tenant, customer.id)
    if (late.length > 0) found.set(customer.id, { customer, late })
  }
  return found
}

/**
 * Rates what was invoiced together with what came late, for all subscriptions of the customers. An hour stays noted
 * until something that was invoiced covers it, or until nothing more can be reported for it.
 */
export async function correctLateUsage(
  deps: Pick<Deps, 'store' | 'now' | 'lateUsageDays'>,
  tenant: string,
  { late, prices, at }: { late: LateCustomers; prices: PricesById; at: Date },
): Promise<Map<string, Correction>> {
  const corrections = new Map<string, Correction>()
  for (const [id, { customer, late: hours }] of late) {
    const billed = await billedAround(deps, tenant, { customer: id, hours, prices })
    const usages = await readUsages(
      deps,
      billed.map(({ price, period }) => ({
        customer,
        price: priceOf(prices, price),
        from: period.start,
        before: period.end,
      })),
    )
    const correction: Correction = { lines: [], writes: [] }
    for (const [place, { version, ...one }] of billed.entries()) {
      const usage = usages[place]
      if (usage === undefined || usage instanceof Error) throw usage ?? new Error('usage was not read')
      const changed = chargeLateUsage(one, { usage, prices })
      if (!changed) continue
      correction.lines.push(...changed.lines)
      correction.writes.push(replace(billedUsage, changed.billed, version))
    }
    const oldest = at.getTime() - (deps.lateUsageDays + 1) * 24 * hourMs
    const settled = hours.filter(
      (hour) => hour.hour.getTime() < oldest || billed.some((one) => covers(one, hour, prices)),
    )
    correction.writes.push(...settled.map(clearLateUsage))
    corrections.set(id, correction)
  }
  return corrections
}

/** What was invoiced of the meters and hours in which something has changed. */
async function billedAround(
  deps: Pick<Deps, 'store'>,
  tenant: string,
  { customer, hours, prices }: { customer: string; hours: readonly LateUsage[]; prices: PricesById },
): Promise<Stored<BilledUsage>[]> {
  const earliest = new Date(Math.min(...hours.map(({ hour }) => hour.getTime())))
  const found: Stored<BilledUsage>[] = []
  const range = { after: earliest }
  for await (const one of deps.store.scan(billedUsage.byCustomer, { equals: [tenant, customer], range })) {
    found.push(one)
  }
  await readPrices(
    deps,
    found.map(({ price }) => price),
    prices,
  )
  return found.filter((one) => hours.some((hour) => covers(one, hour, prices)))
}

function covers({ price, period }: BilledUsage, { meter, hour }: LateUsage, prices: PricesById): boolean {
  const isWithin = period.start.getTime() < hour.getTime() + hourMs && hour < period.end
  return isWithin && priceOf(prices, price).meter === meter
}
