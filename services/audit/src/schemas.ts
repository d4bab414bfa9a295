import { auditReceipt, contentHash, idSchema, pageInput, reference, timestamp } from '@tallystick/protocol'
import { z } from 'zod'

const receiptText = z
  .string()
  .max(262_144)
  .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'must be a compact JWS')

export const recordOutcome = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('recorded'), event: z.string(), receipt: auditReceipt }),
  z.strictObject({ status: z.literal('duplicate'), event: z.string(), receipt: auditReceipt }),
  z.strictObject({
    status: z.literal('refused'),
    event: z.string(),
    error: z.strictObject({ code: z.string(), detail: z.string() }),
  }),
])

const createdTimes = { created_from: timestamp.optional(), created_before: timestamp.optional() }

export const auditIdInput = z.strictObject({ audit_id: idSchema('audit') })

export const listInput = z.strictObject({
  license: reference.optional(),
  item: contentHash.optional(),
  actor: reference.optional(),
  kind: reference.max(64).optional(),
  ...createdTimes,
  ...pageInput,
})

/** `data.change` of a record: `before` and `after` are digests of the RFC 8785 form of what was changed. */
export const changeInRecord = z.strictObject({
  subject: reference,
  before: contentHash.optional(),
  after: contentHash.optional(),
  reason: z.string().max(2000).optional(),
})

export const administrativeChange = z.strictObject({
  object: z.literal('administrative_change'),
  id: idSchema('audit'),
  event: z.string(),
  kind: z.string(),
  actor: z.string(),
  ...changeInRecord.shape,
  created_at: timestamp,
  livemode: z.boolean(),
  receipt_hash: contentHash,
  index: z.int().nonnegative().optional(),
})

export const changesExportInput = z.strictObject({
  subject: reference.optional(),
  actor: reference.optional(),
  kind: reference.max(64).optional(),
  ...createdTimes,
})

export const changesInput = z.strictObject({ ...changesExportInput.shape, ...pageInput })

export const inclusionProof = z.strictObject({
  object: z.literal('inclusion_proof'),
  index: z.int().nonnegative(),
  size: z.int().positive(),
  proof: z.string(),
})

export const proofByHashInput = z.strictObject({ receipt_hash: contentHash })

export const evidenceInput = z
  .strictObject({ receipt: receiptText.optional(), receipt_hash: contentHash.optional() })
  .refine((input) => (input.receipt === undefined) !== (input.receipt_hash === undefined), {
    error: 'give either receipt or receipt_hash',
  })

export const verifyInput = z.strictObject({ evidence: z.record(z.string(), z.json()) })

export const verdict = z.record(z.string(), z.unknown())

export const consistencyInput = z.strictObject({ from: z.int().positive(), to: z.int().positive() })

export const consistency = z.strictObject({
  object: z.literal('consistency_proof'),
  from: z.int(),
  to: z.int(),
  proof: z.array(z.string()),
})

export const anchorsInput = z.strictObject({
  ...pageInput,
})

export const keys = z.strictObject({
  object: z.literal('keys'),
  log: z.strictObject({ origin: z.string(), key: z.string() }),
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())) }),
  chains: z.array(z.strictObject({ chain: z.string(), contract: z.string() })),
})

export const recordBody = z.strictObject({
  object: z.literal('audit_body'),
  event: z.string(),
  salt: z.string(),
})

export const erasureInput = z
  .strictObject({
    tenant: idSchema('account'),
    events: z.array(reference).min(1).max(1000).optional(),
    ids: z.array(idSchema('audit')).min(1).max(1000).optional(),
    actor: reference.optional(),
    subject: reference.optional(),
    before: timestamp.optional(),
    keep_licenses: z.array(reference).max(10_000).default([]),
    keep_items: z.array(contentHash).max(10_000).default([]),
    dry_run: z.boolean().default(false),
    after: z.string().min(1).max(4096).optional(),
  })
  .refine(
    ({ events, ids, actor, subject }) =>
      [events, ids, actor, subject].filter((one) => one !== undefined).length <= 1,
    {
      error: 'give one of events, ids, actor and subject',
    },
  )
  .refine(
    ({ events, ids, actor, subject, before }) =>
      [events, ids, actor, subject, before].some((one) => one !== undefined),
    {
      error: 'give events, ids, actor, subject or before',
    },
  )

export const erasureOutcome = z.strictObject({
  object: z.literal('audit_erasure'),
  erased: z.int().nonnegative(),
  ids: z.array(z.string()),
  /** In a dry run: what would be erased, with the licenses that it names. */
  records: z.array(z.strictObject({ id: z.string(), licenses: z.array(z.string()) })).optional(),
  kept: z.int().nonnegative(),
  next: z.string().optional(),
})
