import { Fault, licenseTerms, royaltyRules } from '@tallystick/protocol'
import type { FieldError, License, LicenseInput } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { expect, insert } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { bindText } from '../catalog/bind-text.ts'
import { licenses, offers } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOf } from '../parties.ts'
import { agree } from './accept-license.ts'
import { checkTerms } from './check-terms.ts'
import { checkPeriod } from './effective-period.ts'
import { findOffer, isOpen } from './find-offer.ts'
import { createdLicense, takeStep } from './license-change.ts'
import type { LicenseChange, StepBy } from './license-change.ts'
import { licenseView } from './license-view.ts'
import type { StoredLicense } from './license-view.ts'
import { requireOwn } from './require-own.ts'
import { itemsToKeep } from './resolve-items.ts'

type CreateDeps = Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>
type Agreed = Omit<StoredLicense, 'auditId' | 'history' | 'createdAt' | 'updatedAt'>

/**
 * A new agreement: offered to its buyer, or kept as a draft. From a published offer it is accepted at once when the
 * buyer itself calls. Throws Fault `validation_failed`, `forbidden`, `reference_not_found`, `invalid_state` and
 * `exclusivity_conflict`.
 */
export async function createLicense(
  deps: CreateDeps,
  caller: Caller,
  input: LicenseInput,
): Promise<Plan<License>> {
  const at = deps.now()
  const names = await namesOf(deps, caller)
  const isBuyer = caller.role === 'developer'
  if (isBuyer) requireOfferTaken(input, names)
  const { agreed, writes } =
    input.offer === undefined
      ? await agreedFromInput(deps, caller, names, input, at)
      : await agreedFromOffer(deps, caller, names, { ...input, offer: input.offer }, at)
  const by: StepBy = { actor: caller.account, at, reason: '' }
  const created = createdLicense(deps, agreed, by)
  if (input.draft) return planOf(deps, created, writes)
  const offered = takeStep(deps, created, { kind: 'license.offered', status: 'offered' }, by)
  if (!isBuyer) return planOf(deps, offered, writes)
  const accepted = await agree(deps, offered, by)
  return planOf(deps, accepted.change, [...writes, ...accepted.writes])
}

function planOf(
  deps: CreateDeps,
  { license, events }: LicenseChange,
  writes: readonly Write[],
): Plan<License> {
  return {
    writes: [insert(licenses, license), ...events, ...writes],
    answer: licenseView(deps, license),
  }
}

/** A buyer cannot offer in its creator's name: it takes what is offered, for itself. */
function requireOfferTaken({ offer, buyer_id, draft }: LicenseInput, names: readonly string[]): void {
  if (!names.includes(buyer_id))
    throw new Fault('forbidden', { detail: 'A buyer makes agreements for itself only' })
  if (offer === undefined)
    throw new Fault('forbidden', { detail: 'A buyer makes an agreement from an offer; `offer` names it' })
  if (draft) throw invalid([{ pointer: '/draft', message: 'cannot be set by a buyer', fix: 'Remove it.' }])
}

async function agreedFromInput(
  deps: CreateDeps,
  caller: Caller,
  names: readonly string[],
  input: LicenseInput,
  at: Date,
): Promise<{ agreed: Agreed; writes: Write[] }> {
  const creator = requireOwn(caller, names, input.creator_id)
  const { items, pricing } = input
  if (!items || !pricing) {
    const missing = [...(items ? [] : ['items']), ...(pricing ? [] : ['pricing'])]
    throw invalid(
      missing.map((name) => ({
        pointer: `/${name}`,
        message: 'is required without an offer',
        fix: `Give ${name}, or name an offer.`,
      })),
    )
  }
  const traded = {
    pricing,
    royalties: input.royalties ?? royaltyRules.parse({}),
    terms: input.terms ?? licenseTerms.parse({}),
    currency: input.currency ?? 'USD',
  }
  const period = {
    effectiveFrom: dateOf(input.effective_from),
    effectiveUntil: dateOf(input.effective_until),
  }
  requireSound(traded, period, at)
  const text = input.legal_text && (await bindText(deps, caller.tenant, input.legal_text))
  const own = caller.role === 'creator' ? names : undefined
  const agreed = {
    id: deps.newId('license'),
    tenant: caller.tenant,
    creator,
    buyer: input.buyer_id,
    status: 'draft' as const,
    items: await itemsToKeep(deps, caller.tenant, items, own),
    ...traded,
    ...period,
    ...(text && { legalText: text.bound }),
    metadata: input.metadata,
    revision: 1,
  }
  return { agreed, writes: text?.writes ?? [] }
}

const givenByOffer = [
  'items',
  'pricing',
  'royalties',
  'terms',
  'currency',
  'legal_text',
  'effective_from',
  'effective_until',
] as const

async function agreedFromOffer(
  deps: CreateDeps,
  caller: Caller,
  names: readonly string[],
  input: LicenseInput & { offer: string },
  at: Date,
): Promise<{ agreed: Agreed; writes: Write[] }> {
  const beside = givenByOffer.filter((name) => input[name] !== undefined)
  if (beside.length > 0) {
    throw invalid(
      beside.map((name) => ({ pointer: `/${name}`, message: 'is given by the offer', fix: 'Remove it.' })),
    )
  }
  const found = await findOffer(deps, caller, names, input.offer)
  if (!found || (input.creator_id !== undefined && input.creator_id !== found.offer.creator)) {
    const errors = [{ pointer: '/offer', message: 'is no offer of this creator' }]
    throw new Fault('reference_not_found', { errors })
  }
  const { offer, version } = found
  if (!isOpen(offer, at)) throw new Fault('invalid_state', { detail: 'The offer is no longer open' })
  const agreed = {
    id: deps.newId('license'),
    tenant: caller.tenant,
    creator: offer.creator,
    buyer: input.buyer_id,
    offer: offer.id,
    status: 'draft' as const,
    items: offer.items,
    pricing: offer.pricing,
    royalties: offer.royalties,
    terms: offer.terms,
    currency: offer.currency,
    ...(offer.legalText && { legalText: offer.legalText }),
    metadata: { ...offer.metadata, ...input.metadata },
    revision: 1,
  }
  return { agreed, writes: [expect(offers, offer.id, version)] }
}

/** Throws Fault `validation_failed` for terms or a period that cannot be agreed on. */
export function requireSound(
  traded: Parameters<typeof checkTerms>[0],
  period: Pick<StoredLicense, 'effectiveFrom' | 'effectiveUntil'>,
  at: Date,
): void {
  const errors = checkTerms(traded)
  const { effectiveFrom: from, effectiveUntil: until } = period
  const wrong = checkPeriod({ from, until, durationDays: traded.terms.duration_days }, at)
  if (wrong) {
    errors.push({
      pointer: `/${wrong.field}`,
      message: wrong.message,
      fix: 'Mend the dates or leave them out.',
    })
  }
  if (errors.length > 0) throw invalid(errors.slice(0, 50))
}

/** The moment of a timestamp that may be missing. */
export function dateOf(timestamp: string | undefined): Date | undefined {
  return timestamp === undefined ? undefined : new Date(timestamp)
}

function invalid(errors: FieldError[]): Fault {
  return new Fault('validation_failed', { errors })
}
