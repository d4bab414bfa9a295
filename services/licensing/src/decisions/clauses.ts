import type { DecisionClause } from '@tallystick/protocol'

type Entry = Pick<DecisionClause, 'clause' | 'result' | 'message'>

const table = {
  item_unknown: { clause: 'item', result: 'deny', message: 'The item is not registered' },
  purpose_unknown: { clause: 'purpose', result: 'deny', message: 'The purpose is not a known one' },
  item_prohibits_use: { clause: 'prohibition', result: 'deny', message: 'The item may not be used so' },
  dataset_prohibits_use: { clause: 'prohibition', result: 'deny', message: 'The dataset may not be used so' },
  not_prohibited: {
    clause: 'prohibition',
    result: 'note',
    message: 'Neither item nor dataset forbids the use',
  },
  consent_not_required: { clause: 'consent', result: 'note', message: 'No consent is required' },
  consent_active: { clause: 'consent', result: 'permit', message: 'The consent covers the use' },
  consent_missing: { clause: 'consent', result: 'deny', message: 'A consent is required and there is none' },
  consent_withdrawn: { clause: 'consent', result: 'deny', message: 'The consent was withdrawn' },
  consent_not_yet_given: { clause: 'consent', result: 'deny', message: 'The consent begins later' },
  consent_expired: { clause: 'consent', result: 'deny', message: 'The consent has expired' },
  consent_purpose_not_covered: {
    clause: 'consent',
    result: 'deny',
    message: 'The consent does not cover the purpose',
  },
  consent_region_unknown: {
    clause: 'consent',
    result: 'deny',
    message: 'The consent is limited to regions and the request names none that is known',
  },
  consent_region_not_covered: {
    clause: 'consent',
    result: 'deny',
    message: 'The consent does not cover the region',
  },
  license_missing: {
    clause: 'license',
    result: 'deny',
    message: 'No agreement of the actor covers the item',
  },
  license_active: { clause: 'license', result: 'permit', message: 'The agreement is in force' },
  license_not_accepted: { clause: 'license', result: 'deny', message: 'The agreement is not accepted' },
  license_revoked: { clause: 'license', result: 'deny', message: 'The agreement was revoked' },
  license_terminated: { clause: 'license', result: 'deny', message: 'The agreement was terminated' },
  license_superseded: {
    clause: 'license',
    result: 'deny',
    message: 'A later version replaced the agreement',
  },
  license_expired: { clause: 'term', result: 'deny', message: 'The agreement has ended' },
  license_not_yet_effective: { clause: 'term', result: 'deny', message: 'The agreement begins later' },
  license_prohibits_use: {
    clause: 'purpose',
    result: 'deny',
    message: 'The agreement prohibits the purpose',
  },
  use_not_allowed: { clause: 'purpose', result: 'deny', message: 'The agreement does not allow the purpose' },
  use_allowed: { clause: 'purpose', result: 'permit', message: 'The agreement allows the purpose' },
  region_unknown: {
    clause: 'region',
    result: 'deny',
    message: 'The agreement is limited to regions and the request names none that is known',
  },
  region_excluded: { clause: 'region', result: 'deny', message: 'The agreement excludes the region' },
  region_not_allowed: {
    clause: 'region',
    result: 'deny',
    message: 'The agreement does not reach the whole region',
  },
  region_allowed: { clause: 'region', result: 'permit', message: 'The agreement reaches the region' },
  model_unknown: {
    clause: 'model',
    result: 'deny',
    message: 'The agreement is limited to models and the request names none',
  },
  model_not_allowed: { clause: 'model', result: 'deny', message: 'The agreement is for other models' },
  model_allowed: { clause: 'model', result: 'permit', message: 'The agreement is for this model' },
} as const satisfies Record<string, Entry>

/** The stable code of a clause. */
export type ClauseCode = keyof typeof table

/** A clause of a trace, with a code of the table. */
export type Clause = DecisionClause & { readonly code: ClauseCode }

/** The clause of `code`; `source` is the id of what says so, `textHash` that of its legal text. */
export function clauseOf(code: ClauseCode, source?: string, textHash?: string): Clause {
  const { clause, result, message } = table[code]
  // Written out: a decision makes several, and spreading conditions takes ten times as long. In the order of RFC 8785,
  // so that the digest of a trace need not sort.
  if (source === undefined) return { clause, code, message, result }
  if (textHash === undefined) return { clause, code, message, result, source }
  return { clause, code, message, result, source, text_hash: textHash }
}
