import type { LicenseTerms, Purpose } from '@tallystick/protocol'
import type { Period } from './effective-period.ts'
import { countriesOf } from './regions.ts'

/** Where, for what and when a license holds. */
export interface Extent extends Period {
  terms: LicenseTerms
}

/**
 * Whether two licenses over the same item ever allow the same use in the same place at the same time. Models and seats
 * do not keep them apart: they say how a buyer uses its right, not which right it has.
 */
export function overlaps(a: Extent, b: Extent): boolean {
  return overlapInTime(a, b) && overlapInUses(a.terms, b.terms) && overlapInRegions(a.terms, b.terms)
}

function overlapInTime(a: Period, b: Period): boolean {
  return (b.until === undefined || a.from < b.until) && (a.until === undefined || b.from < a.until)
}

function overlapInUses(a: LicenseTerms, b: LicenseTerms): boolean {
  const ofB = usesOf(b)
  return usesOf(a).some((use) => ofB.includes(use))
}

function usesOf({ allowed_uses, prohibited_uses }: LicenseTerms): Purpose[] {
  return allowed_uses.filter((use) => !prohibited_uses.includes(use))
}

function overlapInRegions(a: LicenseTerms, b: LicenseTerms): boolean {
  if (isEverywhere(a) && isEverywhere(b)) return true
  const ofA = countriesOf(a.region_restrictions, a.excluded_regions)
  const ofB = countriesOf(b.region_restrictions, b.excluded_regions)
  return [...ofA].some((country) => ofB.has(country))
}

function isEverywhere({ region_restrictions, excluded_regions }: LicenseTerms): boolean {
  return region_restrictions.length === 0 && excluded_regions.length === 0
}
