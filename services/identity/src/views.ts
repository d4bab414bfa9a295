import type { Account, ApiKeyView } from '@tallystick/protocol'
import { endOfKey } from '@tallystick/runtime'
import type { ApiKey, Mode } from '@tallystick/runtime'
import type { StoredAccount } from './collections.ts'

/** An account as the API tells it. */
export function accountView(stored: StoredAccount, mode: Mode): Account {
  const { id, status, role, name, email, country, externalId, plan, metadata, suspensionReason } = stored
  return {
    object: 'account',
    id,
    livemode: mode === 'live',
    status,
    role,
    name,
    ...(email !== undefined && { email }),
    ...(country !== undefined && { country }),
    ...(externalId !== undefined && { external_id: externalId }),
    plan,
    metadata,
    ...(suspensionReason !== undefined && { suspension_reason: suspensionReason }),
    created_at: stored.createdAt.toISOString(),
    updated_at: stored.updatedAt.toISOString(),
    audit_id: stored.auditId,
  }
}

/** A key as the API tells it at a moment; its digest stays behind. */
export function apiKeyView(key: ApiKey, at: Date): ApiKeyView {
  const end = endOfKey(key)
  const ended = end !== undefined && at >= end
  return {
    object: 'api_key',
    id: key.id,
    livemode: key.mode === 'live',
    status: key.revokedAt ? 'revoked' : ended ? 'expired' : 'active',
    account: key.account,
    name: key.name,
    scopes: [...key.scopes],
    created_at: key.createdAt.toISOString(),
    ...(key.expiresAt && { expires_at: key.expiresAt.toISOString() }),
    ...(key.overlapUntil && { overlap_until: key.overlapUntil.toISOString() }),
    ...(key.replacedBy !== undefined && { replaced_by: key.replacedBy }),
    ...(key.replaces !== undefined && { replaces: key.replaces }),
    ...(key.revokedAt && { revoked_at: key.revokedAt.toISOString() }),
    ...(key.lastUsedAt && { last_used_at: key.lastUsedAt.toISOString() }),
    ...(key.auditId !== undefined && { audit_id: key.auditId }),
  }
}
