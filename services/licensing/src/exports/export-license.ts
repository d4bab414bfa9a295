import type { Caller } from '@tallystick/runtime'
import { findLicense } from '../agreements/find-license.ts'
import { licenseView } from '../agreements/license-view.ts'
import type { Deps } from '../deps.ts'
import type { LicenseExport } from './license-grant.ts'
import { toCawg } from './to-cawg.ts'
import { toCroissant } from './to-croissant.ts'
import { toOdrl } from './to-odrl.ts'
import { toRsl } from './to-rsl.ts'

const formats = { rsl: toRsl, odrl: toOdrl, cawg: toCawg, croissant: toCroissant }

/**
 * A license in a foreign format, as it stands at this moment, with the report of what the format could not say. Throws
 * Fault `license_not_found` where the caller may not see the license.
 */
export async function exportLicense(
  deps: Pick<Deps, 'store' | 'identity' | 'livemode' | 'now' | 'publicUrl'>,
  caller: Caller,
  { license_id: id, format }: { license_id: string; format: keyof typeof formats },
): Promise<LicenseExport> {
  const { license } = await findLicense(deps, caller, id)
  return formats[format](licenseView(deps, license), { publicUrl: deps.publicUrl, at: deps.now() })
}
