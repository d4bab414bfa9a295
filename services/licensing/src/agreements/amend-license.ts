import { Fault } from '@tallystick/protocol'
import type { License, LicenseAmendment } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import { bindText } from '../catalog/bind-text.ts'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOf } from '../parties.ts'
import { dateOf, requireSound } from './create-license.ts'
import { waitingAmendment } from './end-license.ts'
import { findLicense, requireAction } from './find-license.ts'
import { createdLicense, takeStep } from './license-change.ts'
import { licenseView } from './license-view.ts'
import { itemsToKeep } from './resolve-items.ts'

/**
 * Offers a new revision of an agreement that holds. The agreement stays as it is until its buyer accepts the new one and
 * that begins. Throws Fault `invalid_state` while another amendment waits.
 */
export async function amendLicense(
  deps: Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>,
  caller: Caller,
  input: LicenseAmendment & { license_id: string },
): Promise<Plan<License>> {
  const found = await findLicense(deps, caller, input.license_id)
  requireAction('amend', found)
  const { license: base, version } = found
  if (await waitingAmendment(deps, base)) {
    throw new Fault('invalid_state', { detail: 'An amendment waits already; revoke it first' })
  }
  const at = deps.now()
  const traded = {
    pricing: input.pricing ?? base.pricing,
    royalties: input.royalties ?? base.royalties,
    terms: input.terms ?? base.terms,
    currency: input.currency ?? base.currency,
  }
  const ownPeriod = input.terms !== undefined || input.effective_from !== undefined
  const until = dateOf(input.effective_until) ?? (ownPeriod ? undefined : base.effectiveUntil)
  // An agreement that has not begun yet is not begun by its amendment.
  const ahead = base.effectiveFrom && base.effectiveFrom > at ? base.effectiveFrom : undefined
  const period = { effectiveFrom: dateOf(input.effective_from) ?? ahead, effectiveUntil: until }
  // What stays keeps its end; a duration alone would begin anew with the amendment.
  const terms = ownPeriod ? traded.terms : { ...traded.terms, duration_days: undefined }
  requireSound({ ...traded, terms }, period, at)
  const text = input.legal_text && (await bindText(deps, caller.tenant, input.legal_text))
  const names = caller.role === 'creator' ? await namesOf(deps, caller) : undefined
  const legalText = text?.bound ?? base.legalText
  const revised = {
    id: deps.newId('license'),
    tenant: base.tenant,
    creator: base.creator,
    buyer: base.buyer,
    ...(base.offer !== undefined && { offer: base.offer }),
    status: 'draft' as const,
    items: input.items ? await itemsToKeep(deps, base.tenant, input.items, names) : base.items,
    ...traded,
    ...period,
    ...(legalText && { legalText }),
    metadata: input.metadata ?? base.metadata,
    revision: base.revision + 1,
    supersedes: base.id,
  }
  const by = { actor: caller.account, at, reason: input.reason }
  const created = createdLicense(deps, revised, by)
  const offered = takeStep(deps, created, { kind: 'license.offered', status: 'offered' }, by)
  return {
    writes: [
      insert(licenses, offered.license),
      ...offered.events,
      ...(text?.writes ?? []),
      // Written unchanged, so that of two amendments at once one finds the other.
      replace(licenses, base, version),
    ],
    answer: licenseView(deps, offered.license),
  }
}
