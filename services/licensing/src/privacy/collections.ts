import { collection } from '@tallystick/storage'
import { z } from 'zod'

const kept = z.strictObject({ object: z.string(), id: z.string(), reason: z.string() })

/** What people asked for about their data. An erasure is a machine whose whole state stands here. */
export const subjectRequests = collection('subject_requests', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    type: z.enum(['erase', 'export']),
    status: z.enum(['pending', 'held', 'completed']),
    /** Whose data; gone once an erasure is done, as are `names`. */
    subject: z.string().optional(),
    /** All names by which objects may call the subject. */
    names: z.array(z.string()),
    /** SHA-256 over salt and subject: who knows the subject can tell that it was theirs. */
    subjectDigest: z.string(),
    salt: z.string(),
    /** What stands where the subject stood. */
    pseudonym: z.string(),
    reason: z.string().optional(),
    requestedBy: z.string(),
    /** Where the erasure goes on: which step, under which name, after which cursor. */
    step: z.number(),
    name: z.number(),
    after: z.string().optional(),
    erased: z.record(z.string(), z.number()),
    /** A hash chain over the ids of what was erased, in order. */
    chain: z.string(),
    kept: z.array(kept),
    /** More than are listed when it is very many. */
    keptCount: z.number(),
    /** How often it was looked whether something had come in behind the erasure, and whether this time something had. */
    pass: z.number(),
    found: z.boolean(),
    createdAt: z.date(),
    completedAt: z.date().optional(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'createdAt'], byStatus: ['status', 'createdAt'] },
})

/** How long each kind of data is kept. */
export const retentionPolicies = collection('retention_policies', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    kind: z.enum(['consents', 'items', 'licenses', 'audit_bodies']),
    license: z.string().optional(),
    keepDays: z.number(),
    reason: z.string(),
    status: z.enum(['active', 'retired']),
    nextRunAt: z.date(),
    createdAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byKind: ['tenant', 'kind', 'status'],
    due: ['status', 'nextRunAt'],
  },
})

/** What must not be erased or purged while it stands. */
export const legalHolds = collection('legal_holds', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    on: z.enum(['subject', 'license', 'item']),
    /** The license, the item's content hash, or all names of the subject. */
    names: z.array(z.string()),
    reason: z.string(),
    status: z.enum(['active', 'released']),
    createdAt: z.date(),
    releasedAt: z.date().optional(),
    releaseReason: z.string().optional(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'createdAt'], byStatus: ['tenant', 'status'] },
})

/** Its version moves with each new hold of a tenant (the id), so that nothing is purged by what was true before. */
export const holdGuards = collection('hold_guards', {
  schema: z.strictObject({ id: z.string(), holds: z.number() }),
  partition: 'id',
})
