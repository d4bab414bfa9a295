import type { License, Purpose } from '@tallystick/protocol'
import { countriesOf } from '../decisions/regions.ts'

/** What an export is made from: the part of a license that says who may do what. */
export type ExportedLicense = Pick<
  License,
  | 'id'
  | 'status'
  | 'creator_id'
  | 'buyer_id'
  | 'items'
  | 'pricing'
  | 'royalties'
  | 'terms'
  | 'currency'
  | 'legal_text'
  | 'metadata'
  | 'supersedes'
  | 'effective_from'
  | 'effective_until'
  | 'updated_at'
  | 'history'
>

/**
 * Where and when an export is made. The moment never stands in a document: it only decides whether one that has not
 * begun, or is about to end, is exported as a prohibition. So all documents of a version of a license are the same bytes.
 */
export interface ExportContext {
  /** The base of this service's URLs, without a slash at its end. */
  publicUrl: string
  at: Date
}

/** A term that a format cannot say as the license says it, and what was done so that the export grants no more. */
export interface Loss {
  /** RFC 6901 pointer into the license. */
  pointer: string
  what: string
  narrowed: string
}

/** A license in a foreign format. */
export interface LicenseExport {
  contentType: string
  document: string
  loss: Loss[]
}

/** What a license permits, with prohibitions already taken off. */
export interface Grant {
  purposes: Purpose[]
  /** Where it may be used; absent means everywhere but in `excluded`. */
  regions?: string[]
  excluded: string[]
  from: Date
  /** Excluded, like the end of every period. */
  until?: Date
  models: string[]
}

const dayMs = 86_400_000

/** What is left of a license to be permitted, or undefined where nothing is: it is not active, or its terms cancel out. */
export function licenseGrant(license: ExportedLicense, at: Date): Grant | undefined {
  const { terms, status } = license
  if (status !== 'active') return undefined
  const purposes = terms.allowed_uses.filter((use) => !terms.prohibited_uses.includes(use))
  const excluded = countriesIn(terms.excluded_regions)
  const listed = countriesIn(terms.region_restrictions)
  const regions = listed.filter((region) => !excluded.includes(region))
  const from = beginOf(license)
  const until = endOf(license)
  if (purposes.length === 0 || (listed.length > 0 && regions.length === 0)) return undefined
  if (until === null || (until !== undefined && until <= at)) return undefined
  return {
    purposes,
    ...(listed.length > 0 && { regions }),
    excluded: listed.length > 0 ? [] : excluded,
    from,
    ...(until && { until }),
    models: terms.models,
  }
}

/** Where the export begins: an amendment, and what tells no begin, says nothing about the time before it was accepted. */
function beginOf(license: ExportedLicense): Date {
  const { effective_from: told, supersedes, history, updated_at: changed } = license
  const step = history.find(({ status }) => status === 'accepted' || status === 'active')
  const accepted = new Date(step?.at ?? changed)
  const from = told === undefined ? accepted : new Date(told)
  return supersedes !== undefined && from < accepted ? accepted : from
}

/** The end; undefined where there is none, null where a duration runs from nobody knows when. */
function endOf(license: ExportedLicense): Date | undefined | null {
  const { effective_from: from, effective_until: until, terms } = license
  const told = until === undefined ? undefined : new Date(until)
  if (told || terms.duration_days === undefined) return told
  return from === undefined ? null : new Date(new Date(from).getTime() + terms.duration_days * dayMs)
}

function countriesIn(regions: readonly string[]): string[] {
  return [...new Set(regions.flatMap((region) => countriesOf(region)))]
}

/** Terms that no format here can say, and that bind the parties whatever is exported. */
export function commonLoss(license: ExportedLicense): Loss[] {
  const { terms, legal_text: text, royalties } = license
  const bound = 'Nothing is granted by it; the agreement itself binds the parties.'
  const loss: Loss[] = []
  if (terms.exclusive) {
    loss.push({ pointer: '/terms/exclusive', what: 'That no one else gets these rights.', narrowed: bound })
  }
  if (terms.sublicense) {
    const narrowed = 'No right to grant sublicenses is exported.'
    loss.push({ pointer: '/terms/sublicense', what: 'The right to grant sublicenses.', narrowed })
  }
  if (
    royalties.splits.length > 0 ||
    royalties.recoupment !== undefined ||
    license.pricing.model !== 'per_item'
  ) {
    loss.push({ pointer: '/royalties', what: 'Splits, floor, cap, recoupment and fees.', narrowed: bound })
  }
  if (text) {
    loss.push({ pointer: '/legal_text', what: 'The legal text and its hash.', narrowed: bound })
  }
  if (Object.keys(license.metadata).length > 0) {
    loss.push({ pointer: '/metadata', what: 'Metadata of the parties.', narrowed: 'Left out.' })
  }
  return loss
}

/** The loss of a license that permits nothing now: what it would permit later, or permitted before. */
export function denialLoss(license: ExportedLicense): Loss {
  const what =
    license.status === 'active'
      ? 'A license whose terms leave nothing to permit.'
      : `A license that is ${license.status}, not active.`
  return { pointer: '/status', what, narrowed: 'Exported as a prohibition of every use.' }
}
