import { canonicalize } from '@tallystick/receipt'
import type { Caller } from '@tallystick/runtime'
import { ensure } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import type { LicenseCharge } from '../links.ts'
import { prices } from '../prices/collections.ts'
import { holdLicense } from './hold-license.ts'
import { meterOfMetric } from './license-meter.ts'
import { licensePriceIdOf, priceOfLicense } from './license-price.ts'
import type { PricesById } from './read-prices.ts'
import { readPrices } from './read-prices.ts'

/** Which subscription takes a license up, and who asks for it. */
export interface Subscribing {
  caller: Pick<Caller, 'tenant' | 'account'>
  subscription: string
  currency: string
  /** In which its price is put. */
  prices: PricesById
}

/** A license as an item of a subscription, and what must be written with it. */
export interface SubscribedLicense {
  item: { price: string; license: string; quantity: number }
  writes: Write[]
}

/** Makes the item of a license, its price and where needed its meter, or tells in words what stands in the way. */
export async function subscribeLicense(
  deps: Deps,
  charge: LicenseCharge,
  { caller, subscription, currency, prices: known }: Subscribing,
): Promise<SubscribedLicense | string> {
  const { tenant } = caller
  const { license } = charge
  if (charge.currency !== currency) return `is in ${charge.currency}; the customer pays in ${currency}`
  const priced = priceOfLicense(charge)
  if (typeof priced === 'string') return priced
  const held = await holdLicense(deps, { tenant, license, subscription })
  if ('heldBy' in held) {
    return held.charged
      ? `was charged by ${held.heldBy}, and is paid once`
      : `is charged by ${held.heldBy} already: end that first`
  }
  const id = licensePriceIdOf(tenant, license)
  const item = { price: id, license, quantity: priced.quantity }
  // Not by what is known: that may come of an attempt that was not committed.
  if (await deps.store.get(prices, id)) {
    const before = (await readPrices(deps, [id], known)).get(id)
    return before?.active ? { item, writes: [held] } : 'has a price that is archived'
  }
  const { name, definition, metric } = priced
  const meter = metric === undefined ? undefined : await meterOfMetric(deps, caller, metric)
  const about = { id, tenant, name, currency, license, active: true, ...(meter !== undefined && { meter }) }
  known.set(id, { ...about, definition })
  const stored = { ...about, definition: canonicalize(definition), metadata: {}, createdAt: deps.now() }
  return { item, writes: [held, ensure(prices, stored)] }
}
