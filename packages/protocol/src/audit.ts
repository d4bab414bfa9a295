import { z } from 'zod'
import { idSchema } from './ids.ts'
import { contentHash, decimal, reference, timestamp } from './values.ts'

/** What was used, and how much of it. */
export const usageMetric = z.strictObject({
  metric: z.string().regex(/^[a-z][a-z0-9_.]{0,63}$/, 'must be a lower-case name such as tokens'),
  quantity: decimal,
  model_id: reference.optional(),
})

/**
 * One event to be receipted: `POST /v1/audit/records`. `event` is the caller's id for it and makes it idempotent; ids of the
 * form `evt_…` are those of the services.
 */
export const auditRecord = z.strictObject({
  event: reference.meta({ examples: ['training-run-42:step-1'] }),
  kind: z
    .string()
    .regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}$/, 'must be a dotted name such as training.usage')
    .max(64)
    .meta({ examples: ['training.usage'] }),
  actor: reference.meta({ examples: ['acct_01kqxq5t8r0000000000000000'] }),
  occurred_at: timestamp.optional(),
  licenses: z.array(reference).max(100).default([]),
  items: z.array(contentHash).max(1000).default([]),
  usage: usageMetric.optional(),
  data: z.record(z.string().max(64), z.json()).optional(),
})
export type AuditRecord = z.infer<typeof auditRecord>

/** A receipt as the API tells it. `index` is absent while the receipt waits for its place in the log. */
export const auditReceipt = z.strictObject({
  object: z.literal('audit_receipt'),
  id: idSchema('audit'),
  event: z.string(),
  kind: z.string(),
  actor: z.string(),
  licenses: z.array(z.string()),
  items: z.array(contentHash),
  created_at: timestamp,
  merge_by: timestamp,
  livemode: z.boolean(),
  receipt: z.string(),
  receipt_hash: contentHash,
  index: z.int().nonnegative().optional(),
})
export type AuditReceipt = z.infer<typeof auditReceipt>

/** A receipt together with the event that it promises; `body` is absent once it was erased. */
export const auditRecordDetail = auditReceipt.extend({
  body: z.strictObject({ event: z.string(), salt: z.string() }).optional(),
})
