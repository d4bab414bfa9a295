import { Fault } from '@tallystick/protocol'
import { reachesTenant } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import { licenses } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { namesOf } from '../parties.ts'
import { judgeAction, licenseTransitions } from './license-state.ts'
import type { LicenseAction, LicenseSide } from './license-state.ts'
import type { StoredLicense } from './license-view.ts'

/** An agreement that the caller may see, at the version that was read, and which side of it the caller is. */
export interface FoundLicense {
  license: StoredLicense
  version: number
  side: LicenseSide | 'auditor'
}

type ReadDeps = Pick<Deps, 'store' | 'identity'>

/** The agreement `id`. Throws Fault `license_not_found`, alike for what is missing and what the caller may not see. */
export async function findLicense(deps: ReadDeps, caller: Caller, id: string): Promise<FoundLicense> {
  const found: Stored<StoredLicense> | undefined = await deps.store.get(licenses, id)
  const side = found && found.tenant === caller.tenant && sideOf(caller, await namesOf(deps, caller), found)
  if (!found || !side) throw new Fault('license_not_found')
  const { version, ...license } = found
  return { license, version, side }
}

/** The caller's side of an agreement, undefined when it has none or may not see it; `names` are the caller's. */
export function sideOf(
  { role }: Pick<Caller, 'role'>,
  names: readonly string[],
  license: StoredLicense,
): FoundLicense['side'] | undefined {
  if (reachesTenant({ role })) return role === 'operator' ? 'operator' : 'auditor'
  if (role === 'creator') return names.includes(license.creator) ? 'creator' : undefined
  return names.includes(license.buyer) && wasOffered(license) ? 'buyer' : undefined
}

/** A draft is its creator's own affair, also after it was thrown away. */
function wasOffered({ history }: StoredLicense): boolean {
  return history.some(({ status }) => status !== 'draft' && status !== 'revoked')
}

/** Refuses an action that the caller's side may not take (Fault `forbidden`) or not now (Fault `invalid_state`). */
export function requireAction(action: LicenseAction, { license, side }: FoundLicense): void {
  const { by, from } = licenseTransitions[action]
  const verdict =
    side === 'auditor'
      ? ({ possible: false, refused: 'side' } as const)
      : judgeAction(action, license.status, side)
  if (verdict.possible) return
  if (verdict.refused === 'side') {
    throw new Fault('forbidden', { detail: `Only ${by.join(' or ')} can ${action} an agreement` })
  }
  throw new Fault('invalid_state', {
    detail: `The agreement is ${license.status}; to ${action} it, it must be ${from.join(' or ')}`,
  })
}
