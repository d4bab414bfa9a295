import { addDecimals, compareDecimals, isCurrency, toDecimal, zero } from '@tallystick/money'
import type { FieldError, LicensePricing, LicenseTerms, RoyaltyRules } from '@tallystick/protocol'
import { isRegion } from './regions.ts'

/** What is agreed on: of an agreement, an offer or an amendment. */
export interface AgreedTerms {
  pricing: LicensePricing
  royalties: RoyaltyRules
  terms: LicenseTerms
  currency: string
}

const one = toDecimal('1')

/** What a schema cannot see in the terms of an agreement: sums, bounds, and codes that do not exist. */
export function checkTerms({ pricing, royalties, terms, currency }: AgreedTerms): FieldError[] {
  const errors: FieldError[] = []
  if (!isCurrency(currency)) {
    errors.push({
      pointer: '/currency',
      message: 'is no currency in force',
      fix: 'Use an ISO 4217 code such as USD.',
    })
  }
  if (pricing.model === 'escrow' && compareDecimals(sumOf(pricing.milestones), one) !== 0) {
    errors.push({
      pointer: '/pricing/milestones',
      message: 'must have shares that sum to exactly 1',
      fix: 'Mend the shares.',
    })
  }
  if (compareDecimals(sumOf(royalties.splits), one) > 0) {
    errors.push({
      pointer: '/royalties/splits',
      message: 'must have shares that sum to 1 at most',
      fix: 'Lower the shares; what they leave is the creator’s.',
    })
  }
  const { floor, cap } = royalties
  if (floor !== undefined && cap !== undefined && floor > cap) {
    errors.push({
      pointer: '/royalties/floor',
      message: 'must not be above the cap',
      fix: 'Lower the floor or raise the cap.',
    })
  }
  for (const field of ['region_restrictions', 'excluded_regions'] as const) {
    for (const [index, region] of terms[field].entries()) {
      if (isRegion(region)) continue
      errors.push({
        pointer: `/terms/${field}/${index}`,
        message: 'is no region',
        fix: 'Use an ISO 3166-1 alpha-2 code, EU or EEA.',
      })
    }
  }
  return errors
}

/** What a reader of the terms might overlook; nothing that is refused. */
export function notesOn(terms: LicenseTerms): string[] {
  const both = terms.allowed_uses.filter((use) => terms.prohibited_uses.includes(use))
  return both.map((use) => `${use} is both allowed and prohibited: it is prohibited`)
}

function sumOf(parts: readonly { share: string }[]) {
  return parts.reduce((sum, { share }) => addDecimals(sum, toDecimal(share)), zero)
}
