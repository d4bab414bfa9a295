import { Fault } from '@tallystick/protocol'
import type { License, LicenseUpdate } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import { bindText } from '../catalog/bind-text.ts'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOf } from '../parties.ts'
import { dateOf, requireSound } from './create-license.ts'
import { findLicense, requireAction } from './find-license.ts'
import { takeStep, unchanged } from './license-change.ts'
import { licenseView } from './license-view.ts'
import type { StoredLicense } from './license-view.ts'
import { itemsToKeep } from './resolve-items.ts'

type UpdateDeps = Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>

/** Changes a draft, or the metadata of any agreement. What is given replaces what was there. */
export async function updateLicense(
  deps: UpdateDeps,
  caller: Caller,
  input: LicenseUpdate & { license_id: string },
): Promise<Plan<License>> {
  const { license_id, reason = '', metadata, ...terms } = input
  const found = await findLicense(deps, caller, license_id)
  const changesTerms = Object.values(terms).some((value) => value !== undefined)
  if (!changesTerms && metadata === undefined) {
    const errors = [{ pointer: '', message: 'changes nothing', fix: 'Give the fields that are to change.' }]
    throw new Fault('validation_failed', { errors })
  }
  requireAction(changesTerms ? 'update' : 'annotate', found)
  const at = deps.now()
  const text = terms.legal_text && (await bindText(deps, caller.tenant, terms.legal_text))
  const changes = {
    ...(metadata && { metadata }),
    ...(changesTerms && (await redrafted(deps, caller, found.license, terms, at))),
    ...(text && { legalText: text.bound }),
  }
  const by = { actor: caller.account, at, reason }
  const { license, events } = takeStep(
    deps,
    unchanged(found.license),
    { kind: 'license.updated', changes },
    by,
  )
  return {
    writes: [replace(licenses, license, found.version), ...events, ...(text?.writes ?? [])],
    answer: licenseView(deps, license),
  }
}

async function redrafted(
  deps: UpdateDeps,
  caller: Caller,
  draft: StoredLicense,
  given: Omit<LicenseUpdate, 'metadata' | 'reason'>,
  at: Date,
): Promise<Partial<StoredLicense>> {
  const traded = {
    pricing: given.pricing ?? draft.pricing,
    royalties: given.royalties ?? draft.royalties,
    terms: given.terms ?? draft.terms,
    currency: given.currency ?? draft.currency,
  }
  const period = {
    effectiveFrom: dateOf(given.effective_from) ?? draft.effectiveFrom,
    effectiveUntil: dateOf(given.effective_until) ?? draft.effectiveUntil,
  }
  requireSound(traded, period, at)
  const names = caller.role === 'creator' ? await namesOf(deps, caller) : undefined
  return {
    ...traded,
    ...period,
    ...(given.buyer_id !== undefined && { buyer: given.buyer_id }),
    ...(given.items && { items: await itemsToKeep(deps, draft.tenant, given.items, names) }),
  }
}
