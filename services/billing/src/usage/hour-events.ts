import type { Document, Index, Selection, Stored } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { usageEvents } from './collections.ts'
import type { UsageEvent } from './collections.ts'

/** Whose events: of a tenant, of a customer, with an API key, with a license, or several of it. */
export interface EventsOf {
  tenant: string
  customer?: string | undefined
  apiKey?: string | undefined
  license?: string | undefined
}

/** Events that count and occurred in `[from, before)`. */
export async function eventsBetween(
  { store }: Pick<Deps, 'store'>,
  { tenant, customer, apiKey, license }: EventsOf,
  range: { from: Date; before: Date },
): Promise<UsageEvent[]> {
  const events: UsageEvent[] = []
  const take = (event: UsageEvent) => {
    const isAsked = customer === undefined || event.customer === customer
    if (isAsked && counts(event) && (apiKey === undefined || event.apiKey === apiKey)) events.push(event)
  }
  if (license !== undefined)
    await readEach(store, usageEvents.byLicense, { equals: [tenant, license], range }, take)
  else if (apiKey !== undefined)
    await readEach(store, usageEvents.byKey, { equals: [tenant, apiKey], range }, take)
  else if (customer === undefined)
    await readEach(store, usageEvents.byTenant, { equals: [tenant], range }, take)
  else await readEach(store, usageEvents.byCustomer, { equals: [tenant, customer], range }, take)
  return events
}

/** Whether an event counts at all: reported with a right, succeeded, and not deprecated. */
export function counts({ kind, status, effective }: UsageEvent): boolean {
  return kind === 'usage' && status === 'accepted' && effective !== undefined
}

/** Visits all documents of a selection: a loop over `scan` costs several times as much for each. */
export async function readEach<T extends Document>(
  store: Deps['store'],
  index: Index<T>,
  selection: Selection,
  visit: (document: Stored<T>) => void,
): Promise<void> {
  let after: string | undefined
  do {
    const page = await store.find(index, { ...selection, limit: 1000, after })
    for (const one of page.items) visit(one)
    after = page.next
  } while (after !== undefined)
}
