import type { License } from '@tallystick/protocol'
import type { z } from 'zod'
import { notesOn } from './check-terms.ts'
import type { licenses } from '../collections.ts'

/** An agreement as it is stored. */
export type StoredLicense = z.output<(typeof licenses)['schema']>

/** The wire form of an agreement. */
export function licenseView({ livemode }: { livemode: boolean }, license: StoredLicense): License {
  const { offer, legalText, supersedes, supersededBy, effectiveFrom, effectiveUntil } = license
  const notes = notesOn(license.terms)
  return {
    object: 'license',
    id: license.id,
    livemode,
    status: license.status,
    creator_id: license.creator,
    buyer_id: license.buyer,
    ...(offer !== undefined && { offer }),
    items: license.items,
    pricing: license.pricing,
    royalties: license.royalties,
    terms: license.terms,
    currency: license.currency,
    ...(legalText && { legal_text: legalText }),
    metadata: license.metadata,
    revision: license.revision,
    ...(supersedes !== undefined && { supersedes }),
    ...(supersededBy !== undefined && { superseded_by: supersededBy }),
    ...(effectiveFrom && { effective_from: effectiveFrom.toISOString() }),
    ...(effectiveUntil && { effective_until: effectiveUntil.toISOString() }),
    created_at: license.createdAt.toISOString(),
    updated_at: license.updatedAt.toISOString(),
    history: license.history.map((step) => ({ ...step, at: step.at.toISOString() })),
    ...(notes.length > 0 && { notes }),
    audit_id: license.auditId,
  }
}
