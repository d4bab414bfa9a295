import type { Deps } from '../deps.ts'
import { usageEvents } from './collections.ts'
import type { UsageEvent } from './collections.ts'

/** Events of a customer, or of all customers of a tenant, that count and occurred in `[from, before)`. */
export async function eventsBetween(
  { store }: Pick<Deps, 'store'>,
  {
    tenant,
    customer,
    from,
    before,
  }: { tenant: string; customer?: string | undefined; from: Date; before: Date },
): Promise<UsageEvent[]> {
  const events: UsageEvent[] = []
  const range = { from, before }
  const found =
    customer === undefined
      ? store.scan(usageEvents.byTenant, { equals: [tenant], range })
      : store.scan(usageEvents.byCustomer, { equals: [tenant, customer], range })
  for await (const event of found) if (counts(event)) events.push(event)
  return events
}

/** Events of a customer that count and occurred in the UTC hour that begins at `hour`. */
export function hourEvents(
  deps: Pick<Deps, 'store'>,
  { tenant, customer, hour }: { tenant: string; customer: string; hour: Date },
): Promise<UsageEvent[]> {
  return eventsBetween(deps, { tenant, customer, from: hour, before: new Date(hour.getTime() + 3_600_000) })
}

/** Whether an event counts at all: reported with a right, succeeded, and not deprecated. */
export function counts({ kind, status, effective }: UsageEvent): boolean {
  return kind === 'usage' && status === 'accepted' && effective !== undefined
}
