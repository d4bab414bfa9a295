import { Fault } from '@tallystick/protocol'
import type { License } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { checkPeriod } from './effective-period.ts'
import { findLicense, requireAction } from './find-license.ts'
import { takeStep, unchanged } from './license-change.ts'
import { licenseView } from './license-view.ts'

/** Offers a draft to its buyer, who sees it from then on. Throws Fault `invalid_state` when its time is over. */
export async function offerLicense(
  deps: Pick<Deps, 'store' | 'identity' | 'now' | 'newId' | 'livemode'>,
  caller: Caller,
  input: { license_id: string; reason?: string | undefined },
): Promise<Plan<License>> {
  const found = await findLicense(deps, caller, input.license_id)
  requireAction('offer', found)
  const { effectiveFrom: from, effectiveUntil: until, terms } = found.license
  const at = deps.now()
  if (checkPeriod({ from, until, durationDays: terms.duration_days }, at)) {
    throw new Fault('invalid_state', { detail: 'The time of the agreement is over' })
  }
  const by = { actor: caller.account, at, reason: input.reason ?? '' }
  const step = { kind: 'license.offered', status: 'offered' } as const
  const { license, events } = takeStep(deps, unchanged(found.license), step, by)
  return {
    writes: [replace(licenses, license, found.version), ...events],
    answer: licenseView(deps, license),
  }
}
