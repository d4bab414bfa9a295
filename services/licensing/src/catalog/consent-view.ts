import type { consent } from '@tallystick/protocol'
import type { z } from 'zod'
import type { consents } from '../collections.ts'

export type StoredConsent = z.infer<(typeof consents)['schema']>
export type Consent = z.infer<typeof consent>

/** A consent as the API tells it at the moment `at`, which decides whether it has expired. */
export function consentView(livemode: boolean, stored: StoredConsent, at: Date): Consent {
  const { grantedBy, items, dataset, evidenceHash, expiresAt, withdrawnAt, withdrawalReason } = stored
  return {
    object: 'consent',
    id: stored.id,
    livemode,
    status: statusAt(stored, at),
    subject: stored.subject,
    ...(grantedBy !== undefined && { granted_by: grantedBy }),
    purposes: stored.purposes,
    regions: stored.regions,
    ...(items && { items }),
    ...(dataset !== undefined && { dataset }),
    ...(evidenceHash !== undefined && { evidence_hash: evidenceHash }),
    granted_at: stored.grantedAt.toISOString(),
    ...(expiresAt && { expires_at: expiresAt.toISOString() }),
    ...(withdrawnAt && { withdrawn_at: withdrawnAt.toISOString() }),
    ...(withdrawalReason !== undefined && { withdrawal_reason: withdrawalReason }),
    created_at: stored.createdAt.toISOString(),
    audit_id: stored.auditId,
  }
}

function statusAt({ withdrawnAt, expiresAt }: StoredConsent, at: Date): Consent['status'] {
  if (withdrawnAt) return 'withdrawn'
  return expiresAt && expiresAt <= at ? 'expired' : 'active'
}
