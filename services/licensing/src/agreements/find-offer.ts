import type { Offer } from '@tallystick/protocol'
import { reachesTenant } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { z } from 'zod'
import { offers } from '../collections.ts'
import type { Deps } from '../deps.ts'

/** An offer as it is stored. */
export type StoredOffer = z.output<(typeof offers)['schema']>

/** The offer `id` and its version, or undefined when there is none that the caller may see. */
export async function findOffer(
  { store, now }: Pick<Deps, 'store' | 'now'>,
  caller: Caller,
  names: readonly string[],
  id: string,
): Promise<{ offer: StoredOffer; version: number } | undefined> {
  const found = await store.get(offers, id)
  if (!found || found.tenant !== caller.tenant) return undefined
  const { version, ...offer } = found
  return seesOffer(caller, names, offer, now()) ? { offer, version } : undefined
}

/** Whether an offer is the caller's business: buyers see what is open, creators their own, the others all. */
export function seesOffer(
  { role }: Pick<Caller, 'role'>,
  names: readonly string[],
  offer: StoredOffer,
  at: Date,
): boolean {
  if (reachesTenant({ role })) return true
  return role === 'creator' ? names.includes(offer.creator) : isOpen(offer, at)
}

/** Whether an offer can be taken at `at`. */
export function isOpen({ status, expiresAt }: StoredOffer, at: Date): boolean {
  return status === 'open' && (expiresAt === undefined || expiresAt > at)
}

/** The wire form of an offer; it is `expired` from its time on. */
export function offerView({ livemode }: { livemode: boolean }, offer: StoredOffer, at: Date): Offer {
  const { legalText, expiresAt, status } = offer
  return {
    object: 'offer',
    id: offer.id,
    livemode,
    status: status === 'open' && !isOpen(offer, at) ? 'expired' : status,
    creator_id: offer.creator,
    items: offer.items,
    pricing: offer.pricing,
    royalties: offer.royalties,
    terms: offer.terms,
    currency: offer.currency,
    ...(legalText && { legal_text: legalText }),
    metadata: offer.metadata,
    ...(expiresAt && { expires_at: expiresAt.toISOString() }),
    created_at: offer.createdAt.toISOString(),
    audit_id: offer.auditId,
  }
}
