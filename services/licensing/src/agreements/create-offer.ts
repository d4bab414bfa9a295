import { Fault } from '@tallystick/protocol'
import type { Offer, OfferInput } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { announce, digestOf } from '../announce.ts'
import { bindText } from '../catalog/bind-text.ts'
import { offers } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOf } from '../parties.ts'
import { checkTerms } from './check-terms.ts'
import { findOffer, isOpen, offerView } from './find-offer.ts'
import type { StoredOffer } from './find-offer.ts'
import { isHash } from './license-change.ts'
import { requireOwn } from './require-own.ts'
import { itemsToKeep } from './resolve-items.ts'

type OfferDeps = Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>

/** Publishes what a creator offers to any buyer of the marketplace. */
export async function createOffer(deps: OfferDeps, caller: Caller, input: OfferInput): Promise<Plan<Offer>> {
  const names = await namesOf(deps, caller)
  const creator = requireOwn(caller, names, input.creator_id)
  const { pricing, royalties, terms, currency, metadata } = input
  const at = deps.now()
  const expiresAt = input.expires_at === undefined ? undefined : new Date(input.expires_at)
  const errors = checkTerms({ pricing, royalties, terms, currency })
  if (expiresAt && expiresAt <= at) {
    errors.push({ pointer: '/expires_at', message: 'must be in the future', fix: 'Mend it or leave it out.' })
  }
  if (errors.length > 0) throw new Fault('validation_failed', { errors: errors.slice(0, 50) })
  const text = input.legal_text && (await bindText(deps, caller.tenant, input.legal_text))
  const own = caller.role === 'creator' ? names : undefined
  const fresh = {
    id: deps.newId('offer'),
    tenant: caller.tenant,
    creator,
    status: 'open' as const,
    items: await itemsToKeep(deps, caller.tenant, input.items, own),
    pricing,
    royalties,
    terms,
    currency,
    ...(text && { legalText: text.bound }),
    metadata,
    ...(expiresAt && { expiresAt }),
    createdAt: at,
  }
  const { offer, event } = told(deps, caller, 'offer.created', undefined, fresh, '')
  return {
    writes: [insert(offers, offer), event, ...(text?.writes ?? [])],
    answer: offerView(deps, offer, at),
  }
}

/** Takes an open offer back; agreements made from it stay. Throws Fault `not_found`, `forbidden`, `invalid_state`. */
export async function withdrawOffer(
  deps: OfferDeps,
  caller: Caller,
  input: { offer_id: string; reason?: string | undefined },
): Promise<Plan<Offer>> {
  const names = await namesOf(deps, caller)
  const found = await findOffer(deps, caller, names, input.offer_id)
  if (!found) throw new Fault('not_found')
  requireOwn(caller, names, found.offer.creator)
  const at = deps.now()
  if (!isOpen(found.offer, at)) {
    throw new Fault('invalid_state', { detail: 'The offer is not open; to withdraw it, it must be open' })
  }
  const next = { ...found.offer, status: 'withdrawn' as const }
  const { offer, event } = told(deps, caller, 'offer.withdrawn', found.offer, next, input.reason ?? '')
  return { writes: [replace(offers, offer, found.version), event], answer: offerView(deps, offer, at) }
}

function told(
  deps: OfferDeps,
  caller: Caller,
  kind: 'offer.created' | 'offer.withdrawn',
  before: StoredOffer | undefined,
  after: Omit<StoredOffer, 'auditId'>,
  reason: string,
): { offer: StoredOffer; event: Write } {
  const at = deps.now()
  const change = {
    subject: after.id,
    ...(before && { before: offerDigest(deps, before, at) }),
    after: offerDigest(deps, after, at),
    reason,
  }
  const data = { offer: after.id, status: after.status, creator_id: after.creator, change }
  const { write, auditId } = announce(deps, caller, { kind, items: after.items.filter(isHash), data })
  return { offer: { ...after, auditId }, event: write }
}

function offerDigest(deps: OfferDeps, offer: Omit<StoredOffer, 'auditId'>, at: Date): string {
  const { audit_id: _, ...told } = offerView(deps, { ...offer, auditId: '' }, at)
  return digestOf(told)
}
