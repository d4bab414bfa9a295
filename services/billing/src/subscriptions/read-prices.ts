import { price as priceSchema } from '@tallystick/pricing'
import type { Price } from '@tallystick/pricing'
import type { Deps } from '../deps.ts'
import { prices } from '../prices/collections.ts'

/** A price that subscriptions are charged by, its definition read. */
export interface ReadPrice {
  id: string
  tenant: string
  name: string
  currency: string
  definition: Price
  /** The meter whose usage it charges at the end of a period; without one it is charged ahead. */
  meter?: string
  /** The license whose pricing it is. */
  license?: string
  taxCode?: string
  active: boolean
}

/** Prices by id. A run hands the same map on, since a price never changes but for being archived. */
export type PricesById = Map<string, ReadPrice>

/** Adds the prices of `ids` that are there and not yet among `known`, and gives `known`. */
export async function readPrices(
  { store }: Pick<Deps, 'store'>,
  ids: Iterable<string>,
  known: PricesById = new Map(),
): Promise<PricesById> {
  const missing = [...new Set(ids)].filter((id) => !known.has(id))
  if (missing.length === 0) return known
  for (const found of await store.getMany(prices, missing)) {
    if (!found) continue
    const { id, tenant, name, currency, definition, meter, license, taxCode, active } = found
    known.set(id, {
      id,
      tenant,
      name,
      currency,
      definition: priceSchema.parse(JSON.parse(definition)),
      ...(meter !== undefined && { meter }),
      ...(license !== undefined && { license }),
      ...(taxCode !== undefined && { taxCode }),
      active,
    })
  }
  return known
}

/** The price of an item; a subscription names none that is not there. */
export function priceOf(known: PricesById, id: string): ReadPrice {
  const found = known.get(id)
  if (!found) throw new Error(`The price ${id} of a subscription is not there`)
  return found
}

/** Whether it is due a single time: what a license costs beside usage and subscription. */
export function isOnce({ license, meter, definition }: ReadPrice): boolean {
  return license !== undefined && meter === undefined && definition.recurring === undefined
}
