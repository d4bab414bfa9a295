import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import type { LicenseCharge } from '../links.ts'
import type { PricesById } from './read-prices.ts'
import { readPrices } from './read-prices.ts'
import type { Subscription } from './find-subscription.ts'
import { subscribeLicense } from './subscribe-license.ts'

/** Licenses that are to be items, with their places among the items. */
export interface WantedLicenses {
  caller: Pick<Caller, 'tenant' | 'account'>
  customer: Customer
  /** The subscription that takes them up, as far as it is there. */
  subscription: Pick<Subscription, 'id'> & Partial<Pick<Subscription, 'items' | 'chargedOnce'>>
  licenses: ReadonlyMap<number, string>
  prices: PricesById
}

type LicenseItem = { price: string; license: string; quantity: number }

/**
 * The items that licenses come to, by place, and what is to be written with them. An item that is there already stays as
 * it is. Throws Fault `reference_not_found`, `validation_failed` or `unavailable`.
 */
export async function licenseItems(
  deps: Deps,
  { caller, customer, subscription, licenses, prices }: WantedLicenses,
): Promise<{ items: Map<number, LicenseItem>; writes: Write[] }> {
  const items = new Map<number, LicenseItem>()
  const writes: Write[] = []
  if (new Set(licenses.values()).size < licenses.size) throw refusal('/items', 'names a license twice')
  const there = (subscription.items ?? []).filter(({ until }) => until === undefined)
  const asked: [number, string][] = []
  for (const [place, license] of licenses) {
    const stays = there.find((item) => item.license === license)
    if (stays) items.set(place, { price: stays.price, license, quantity: stays.quantity })
    else asked.push([place, license])
  }
  await readPrices(
    deps,
    [...items.values()].map(({ price }) => price),
    prices,
  )
  const { currency, reference } = customer
  const subscribing = { caller, subscription: subscription.id, currency, prices }
  const at = await timeOf(deps, customer)
  const questions = asked.map(([, license]) => ({ license, customer: reference, countItems: true }))
  const charges = asked.length === 0 ? [] : await deps.rights.charges(caller.tenant, questions)
  for (const [answer, [place, license]] of asked.entries()) {
    const pointer = `/items/${place}/license`
    const charge = requireActive(charges[answer], { pointer, at })
    if (subscription.chargedOnce?.includes(license)) throw refusal(pointer, 'was charged, and is paid once')
    const made = await subscribeLicense(deps, charge, subscribing)
    if (typeof made === 'string') throw refusal(pointer, made)
    items.set(place, made.item)
    writes.push(...made.writes)
  }
  return { items, writes }
}

function requireActive(
  charge: LicenseCharge | undefined,
  { pointer, at }: { pointer: string; at: Date },
): LicenseCharge {
  if (!charge) {
    const message = 'names no license of which the customer is the buyer'
    throw new Fault('reference_not_found', { errors: [{ pointer, message }] })
  }
  if (charge.status !== 'active') throw refusal(pointer, `is ${charge.status}; only an active one is charged`)
  // Licensing moves the status on a little later than the license ends.
  if (charge.effectiveUntil && charge.effectiveUntil <= at) throw refusal(pointer, 'is over')
  return charge
}

function refusal(pointer: string, message: string): Fault {
  return new Fault('validation_failed', { errors: [{ pointer, message }] })
}
