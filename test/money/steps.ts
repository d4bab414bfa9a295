import type { Store } from '@tallystick/storage'
import type { Collection, Document, Index } from '@tallystick/storage'
import { testClocks } from '../../services/billing/src/clocks/collections.ts'
import type { Deps } from '../../services/billing/src/deps.ts'
import type { Api, Marketplace } from './marketplace.ts'

/** Something that a client asks of the service, again with the same words when it got no answer. */
export interface Action {
  name: string
  /** Its idempotency key. */
  key: string
  /** Asks, and notes what it was told; jobs of the service itself are given its `deps`. */
  run(api: Api, deps: Deps): Promise<unknown>
}

/** Thinks of something to do, or undefined where there is nothing of the kind. */
export type Step = (market: Marketplace) => Promise<Action | undefined>

/** An action with an idempotency key of its own. */
export function action(market: Marketplace, name: string, run: Action['run']): Action {
  return { name, key: `request-${++market.model.requests}`, run }
}

/** All documents of the marketplace; `index` begins with the tenant. */
export async function allOf<T extends Document>(
  { stores: [store], tenant, seen }: Marketplace,
  index: Index<T>,
): Promise<(T & { version: number })[]> {
  type Found = (T & { version: number })[]
  const known = seen?.get(index) as Found | undefined
  if (known) return known
  const found: Found = []
  for await (const one of store.scan(index, { equals: [tenant] })) found.push(one)
  seen?.set(index, found)
  return found
}

/** A random document that `fits`, or undefined. */
export async function anyOf<T extends Document>(
  market: Marketplace,
  index: Index<T>,
  fits: (one: T) => boolean = () => true,
): Promise<T | undefined> {
  const found = (await allOf(market, index)).filter(fits)
  return found.length === 0 ? undefined : market.random.pick(found)
}

/** The document of an id that must be there. */
export async function theOne<T extends Document>(
  store: Store,
  collection: Collection<T>,
  id: string,
): Promise<T> {
  const found = await store.get(collection, id)
  if (!found) throw new Error(`${collection.name} has no ${id}`)
  return found
}

/** The time that holds for a customer. */
export async function timeOfCustomer(
  { stores: [store], model, machine }: Marketplace,
  customer: string,
): Promise<Date> {
  const clock = model.customers.find(({ id }) => id === customer)?.clock
  return clock === undefined ? new Date(machine) : (await theOne(store, testClocks, clock)).now
}
