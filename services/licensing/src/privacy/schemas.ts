import { contentHash, idSchema, reference, timestamp } from '@tallystick/protocol'
import { z } from 'zod'

const reason = reference.max(500).meta({ examples: ['asked by mail'] })
const common = { livemode: z.boolean(), created_at: timestamp, audit_id: idSchema('audit') }
const told = z.strictObject({ object: z.string(), id: z.string(), reason: z.string() })

export const subjectRequestInput = z.strictObject({
  type: z.enum(['erase', 'export']),
  /** Whose data: an account id or a reference of the tenant's own. */
  subject: reference,
  reason: reason.optional(),
})
export type SubjectRequestInput = z.infer<typeof subjectRequestInput>

export const subjectRequest = z.strictObject({
  object: z.literal('data_subject_request'),
  id: idSchema('subjectRequest'),
  ...common,
  type: z.enum(['erase', 'export']),
  /** `held` while a legal hold on the subject stands. */
  status: z.enum(['pending', 'held', 'completed']),
  /** Absent once an erasure is done. */
  subject: z.string().optional(),
  /** SHA-256 over the salt's bytes and the subject: who knows the subject can tell that it was theirs. */
  subject_digest: contentHash,
  subject_salt: z.string(),
  reason: z.string().optional(),
  completed_at: timestamp.optional(),
  /** How many objects were erased of each kind, and what was kept and why. */
  outcome: z
    .strictObject({
      erased: z.record(z.string(), z.int()),
      digest: contentHash,
      kept: z.array(told),
      /** How many were kept; the list tells the first 5,000. */
      kept_count: z.int(),
    })
    .optional(),
})
export type SubjectRequest = z.infer<typeof subjectRequest>

export const policyInput = z
  .strictObject({
    kind: z.enum(['consents', 'items', 'licenses', 'audit_bodies']),
    /** Only this license; for the kind `licenses`. */
    license: idSchema('license').optional(),
    /** Counted from the end of a consent or license, from the making of an item or record. */
    keep_days: z.int().min(0).max(36_500),
    reason,
  })
  .refine(({ kind, license }) => license === undefined || kind === 'licenses', {
    path: ['license'],
    error: 'can be given for the kind licenses alone',
  })
export type PolicyInput = z.infer<typeof policyInput>

export const retentionPolicy = z.strictObject({
  object: z.literal('retention_policy'),
  id: idSchema('retentionPolicy'),
  ...common,
  kind: z.enum(['consents', 'items', 'licenses', 'audit_bodies']),
  license: z.string().optional(),
  keep_days: z.int(),
  reason: z.string(),
  status: z.enum(['active', 'retired']),
  next_run_at: timestamp,
})

export const retentionRun = z.strictObject({
  object: z.literal('retention_dry_run'),
  policy: idSchema('retentionPolicy'),
  livemode: z.boolean(),
  at: timestamp,
  data: z.array(z.strictObject({ object: z.string(), id: z.string() })),
  kept: z.array(told),
  /** Whether the list was cut: it tells the first 10,000. */
  has_more: z.boolean(),
})

export const holdInput = z
  .strictObject({
    subject: reference.optional(),
    license: idSchema('license').optional(),
    item: contentHash.optional(),
    reason,
  })
  .refine(
    ({ subject, license, item }) => [subject, license, item].filter((one) => one !== undefined).length === 1,
    {
      error: 'give one of subject, license and item',
    },
  )
export type HoldInput = z.infer<typeof holdInput>

export const legalHold = z.strictObject({
  object: z.literal('legal_hold'),
  id: idSchema('hold'),
  ...common,
  on: z.enum(['subject', 'license', 'item']),
  names: z.array(z.string()),
  reason: z.string(),
  status: z.enum(['active', 'released']),
  released_at: timestamp.optional(),
  release_reason: z.string().optional(),
})

export const releaseInput = z.strictObject({ hold_id: idSchema('hold'), reason })
export const retireInput = z.strictObject({ policy_id: idSchema('retentionPolicy'), reason })
