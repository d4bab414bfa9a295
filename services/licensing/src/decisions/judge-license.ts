import type { LicenseStatus, LicenseTerms } from '@tallystick/protocol'
import { clauseOf } from './clauses.ts'
import type { Clause, ClauseCode } from './clauses.ts'
import type { LicenseFacts, OfferFacts, Use } from './policy-facts.ts'
import { reachesAll, reachesAny } from './regions.ts'

/** Whether an agreement permits the use on its own; `clauses` are what permits, or all that stands against it. */
export interface LicenseVerdict {
  readonly id: string
  readonly permits: boolean
  /** Whether it holds at the time of the use, whatever its terms say. */
  readonly inForce: boolean
  readonly clauses: readonly Clause[]
}

/** Judges one agreement on its own: what it forbids says nothing about another's. */
export function judgeLicense(use: Use, license: LicenseFacts): LicenseVerdict {
  const force = forceCode(license, use)
  const textHash = license.legalText?.text_hash
  const clauses = [clauseOf(force, license.id, textHash), ...judgeTerms(use, license.terms, license.id)]
  const denying = clauses.filter(({ result }) => result === 'deny')
  const permits = denying.length === 0
  return {
    id: license.id,
    permits,
    inForce: force === 'license_active',
    clauses: permits ? clauses : denying,
  }
}

/** Whether taking the offer would permit the use. */
export function offerPermits(use: Use, { status, expiresAt, terms, id }: OfferFacts): boolean {
  if (status !== 'open' || (expiresAt && expiresAt <= use.at)) return false
  return judgeTerms(use, terms, id).every(({ result }) => result !== 'deny')
}

const endings: ReadonlyMap<LicenseStatus, ClauseCode> = new Map([
  ['expired', 'license_expired'],
  ['revoked', 'license_revoked'],
  ['terminated', 'license_terminated'],
  ['superseded', 'license_superseded'],
])

/**
 * Whether the agreement holds at `at`. Its times decide, not the job that moves its status on; an ending counts from
 * its step on, so that what was revoked later still held before.
 */
function forceCode(license: LicenseFacts, { at, now }: Use): ClauseCode {
  const { status, history, effectiveFrom, effectiveUntil } = license
  const ended = history.find(
    (step) => endings.has(step.status) && (step.at <= at || (now && isAtOnce(step.status))),
  )
  const known = history.some((step) => step.status === status)
  const ending = endings.get(ended?.status ?? (known ? 'active' : status))
  if (ending) return ending
  const accepted = history.find((step) => step.status === 'accepted' || step.status === 'active')?.at
  const isAccepted = accepted !== undefined || status === 'accepted' || status === 'active'
  const from = effectiveFrom ?? accepted
  if (!isAccepted || from === undefined) return 'license_not_accepted'
  // The agreement before an amendment says what held until the amendment was accepted.
  const reachesBack = license.supersedes === undefined || accepted === undefined || accepted <= at
  if (at < from || !reachesBack) return 'license_not_yet_effective'
  return effectiveUntil && at >= effectiveUntil ? 'license_expired' : 'license_active'
}

/** Whether the ending is somebody's word, which holds from when it was given, and not the time of the agreement. */
function isAtOnce(status: LicenseStatus): boolean {
  return status === 'revoked' || status === 'terminated'
}

function judgeTerms(use: Use, terms: LicenseTerms, source: string): Clause[] {
  const clauses: Clause[] = []
  for (const code of [purposeCode(use, terms), regionCode(use, terms), modelCode(use, terms)])
    if (code) clauses.push(clauseOf(code, source))
  return clauses
}

function purposeCode({ purpose }: Use, { prohibited_uses, allowed_uses }: LicenseTerms): ClauseCode {
  if (prohibited_uses.some((one) => one === purpose)) return 'license_prohibits_use'
  return allowed_uses.some((one) => one === purpose) ? 'use_allowed' : 'use_not_allowed'
}

function regionCode({ region }: Use, terms: LicenseTerms): ClauseCode | undefined {
  const { region_restrictions: reached, excluded_regions: excluded } = terms
  if (reached.length + excluded.length === 0) return undefined
  if (region === undefined) return 'region_unknown'
  if (reachesAny(excluded, region)) return 'region_excluded'
  if (reached.length > 0 && !reachesAll(reached, region)) return 'region_not_allowed'
  return 'region_allowed'
}

function modelCode({ modelId }: Use, { models }: LicenseTerms): ClauseCode | undefined {
  if (models.length === 0) return undefined
  if (modelId === undefined) return 'model_unknown'
  return models.includes(modelId) ? 'model_allowed' : 'model_not_allowed'
}
