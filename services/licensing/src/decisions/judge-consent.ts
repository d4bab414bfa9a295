import { clauseOf } from './clauses.ts'
import type { Clause, ClauseCode } from './clauses.ts'
import type { ConsentFacts, Use } from './policy-facts.ts'
import { reachesAll } from './regions.ts'

/** Whether a consent covers the use, and the one clause that says so. */
export interface ConsentVerdict {
  readonly covers: boolean
  readonly consent: ConsentFacts
  /** When it was withdrawn, if that was before the use: denies unless its subject consented again since. */
  readonly withdrawnAt: Date | undefined
  readonly clause: Clause
}

/** Judges one consent on its own. */
export function judgeConsent(use: Use, consent: ConsentFacts): ConsentVerdict {
  const code = consentCode(use, consent)
  return {
    covers: code === 'consent_active',
    consent,
    withdrawnAt: code === 'consent_withdrawn' ? consent.withdrawnAt : undefined,
    clause: clauseOf(code, consent.id),
  }
}

function consentCode({ purpose, region, at, now }: Use, consent: ConsentFacts): ClauseCode {
  const { withdrawnAt, grantedAt, expiresAt, purposes, regions } = consent
  if (withdrawnAt && (now || withdrawnAt <= at)) return 'consent_withdrawn'
  if (at < grantedAt) return 'consent_not_yet_given'
  if (expiresAt && at >= expiresAt) return 'consent_expired'
  if (!purposes.some((one) => one === purpose)) return 'consent_purpose_not_covered'
  if (regions.length === 0) return 'consent_active'
  if (region === undefined) return 'consent_region_unknown'
  return reachesAll(regions, region) ? 'consent_active' : 'consent_region_not_covered'
}
