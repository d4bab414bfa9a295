import { Fault } from '@tallystick/protocol'
import type { Offer, Page, PageInput } from '@tallystick/protocol'
import { listPage } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { Scalar } from '@tallystick/storage'
import { offers } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOf } from '../parties.ts'
import { findFiltered } from './find-filtered.ts'
import { findOffer, offerView, seesOffer } from './find-offer.ts'
import type { StoredOffer } from './find-offer.ts'
import { itemNames } from './list-licenses.ts'

type OfferDeps = Pick<Deps, 'store' | 'identity' | 'now' | 'livemode'>

/** By what a list of offers is narrowed; all that is given must hold. */
export interface OfferFilters {
  status?: Offer['status'] | undefined
  creator_id?: string | undefined
  item?: string | undefined
}

/** A page of the offers that the caller may see, newest first. */
export async function listOffers(
  deps: OfferDeps,
  caller: Caller,
  input: PageInput & OfferFilters,
): Promise<Page<Offer>> {
  const { tenant } = caller
  const { status, creator_id: creator } = input
  const at = deps.now()
  const names = await namesOf(deps, caller)
  const items = input.item === undefined ? undefined : await itemNames(deps, tenant, input.item)
  const matches = (offer: StoredOffer) =>
    seesOffer(caller, names, offer, at) &&
    (status === undefined || offerView(deps, offer, at).status === status) &&
    (creator === undefined || offer.creator === creator) &&
    (!items || offer.items.some((item) => items.includes(item)))
  return listPage(
    { tenant, url: '/v1/offers' },
    input,
    (query) => findFiltered(deps.store, selections(), matches, query),
    (offer) => offerView(deps, offer, at),
  )

  function selections() {
    const kept = status === undefined ? (['open', 'withdrawn'] as const) : [storedStatus(status)]
    const byItem = (item: string, one: Scalar) => ({ index: offers.byItem, equals: [tenant, item, one] })
    if (items) return items.flatMap((item) => kept.map((one) => byItem(item, one)))
    const creators = creator === undefined ? (caller.role === 'creator' ? names : undefined) : [creator]
    if (creators) return creators.map((one) => ({ index: offers.byCreator, equals: [tenant, one] }))
    const open = caller.role === 'developer' ? (['open'] as const) : kept
    return open.map((one) => ({ index: offers.byStatus, equals: [tenant, one] }))
  }
}

/** An expired offer is one that is still open in the store. */
function storedStatus(status: Offer['status']): StoredOffer['status'] {
  return status === 'withdrawn' ? 'withdrawn' : 'open'
}

/** The offer `id`. Throws Fault `not_found`, alike for what is missing and what the caller may not see. */
export async function getOffer(deps: OfferDeps, caller: Caller, id: string): Promise<Offer> {
  const found = await findOffer(deps, caller, await namesOf(deps, caller), id)
  if (!found) throw new Fault('not_found')
  return offerView(deps, found.offer, deps.now())
}
