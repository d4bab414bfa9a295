import { accountRole, derivedId, scope } from '@tallystick/protocol'
import { collection, insert, replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { z } from 'zod'
import type { Plan } from './api.ts'
import { modeOfSecret, secretDigest } from './api-key-secret.ts'

/** API keys. The secret itself is nowhere: only its SHA-256 is kept. */
export const apiKeys = collection('api_keys', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    account: z.string(),
    role: accountRole,
    plan: z.string(),
    mode: z.enum(['test', 'live']),
    name: z.string(),
    scopes: z.array(scope),
    digest: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
    createdAt: z.date(),
    revokedAt: z.date().nullable(),
    expiresAt: z.date().optional(),
    /** Set by a rotation: until then the old secret works beside the new one. */
    overlapUntil: z.date().optional(),
    /** The key that took this one's place, and the one whose place this key took. */
    replacedBy: z.string().optional(),
    replaces: z.string().optional(),
    /** Within a minute of the truth. */
    lastUsedAt: z.date().optional(),
    /** Of the latest change. */
    auditId: z.string().optional(),
  }),
  partition: 'id',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byAccount: ['tenant', 'account', 'createdAt'],
  },
})
export type ApiKey = z.infer<typeof apiKeys.schema>

/** What a new key is for. */
export type KeyGrant = Pick<ApiKey, 'tenant' | 'account' | 'role' | 'plan' | 'name' | 'scopes'> &
  Partial<Pick<ApiKey, 'expiresAt' | 'auditId' | 'replaces'>>

/** The id of the key with this digest of its secret, so that a key is found by its secret in one read by id. */
export function keyIdOf(digest: Uint8Array): string {
  return derivedId('key', Buffer.from(digest).toString('hex'))
}

/** When the key ends by itself: at its expiry or with its overlap, whichever comes first. */
export function endOfKey({ expiresAt, overlapUntil }: ApiKey): Date | undefined {
  if (!expiresAt || !overlapUntil) return expiresAt ?? overlapUntil
  return expiresAt < overlapUntil ? expiresAt : overlapUntil
}

/** Whether the key works at a moment. */
export function isUsable(key: ApiKey, at: Date): boolean {
  const end = endOfKey(key)
  return key.revokedAt === null && (end === undefined || at < end)
}

/** The plan of a new key behind `secret`. */
export function planKey(grant: KeyGrant, { secret, at }: { secret: string; at: Date }): Plan<ApiKey> {
  const digest = secretDigest(secret)
  const key: ApiKey = {
    id: keyIdOf(digest),
    ...grant,
    mode: modeOfSecret(secret),
    scopes: [...grant.scopes],
    digest,
    createdAt: at,
    revokedAt: null,
  }
  return { writes: [insert(apiKeys, key)], answer: key }
}

/** The plan of a new key of the same rights in the place of `stored`, which goes on for `overlapSeconds`. */
export function planRotation(
  stored: Stored<ApiKey>,
  change: { secret: string; at: Date; overlapSeconds: number; auditId?: string },
): Plan<{ old: ApiKey; fresh: ApiKey }> {
  const { at, secret, overlapSeconds } = change
  const audit = change.auditId === undefined ? {} : { auditId: change.auditId }
  const { version, ...key } = stored
  const { tenant, account, role, plan, name, scopes, expiresAt } = key
  const fresh = planKey(
    {
      tenant,
      account,
      role,
      plan,
      name,
      scopes,
      replaces: key.id,
      ...audit,
      ...(expiresAt && { expiresAt }),
    },
    { secret, at },
  )
  const overlapUntil = new Date(at.getTime() + overlapSeconds * 1000)
  const old: ApiKey = { ...key, ...audit, overlapUntil, replacedBy: fresh.answer.id }
  return {
    writes: [replace(apiKeys, old, version), ...fresh.writes],
    answer: { old, fresh: fresh.answer },
  }
}

/** The plan of the end of a key. */
export function planRevocation(
  stored: Stored<ApiKey>,
  { at, auditId }: { at: Date; auditId?: string },
): Plan<ApiKey> {
  const { version, ...key } = stored
  const revoked = { ...key, revokedAt: at, ...(auditId !== undefined && { auditId }) }
  return { writes: [replace(apiKeys, revoked, version)], answer: revoked }
}
