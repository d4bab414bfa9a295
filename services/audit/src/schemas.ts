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

export const auditIdInput = z.strictObject({ audit_id: idSchema('audit') })

export const listInput = z.strictObject({
  license: reference.optional(),
  item: contentHash.optional(),
  actor: reference.optional(),
  kind: reference.max(64).optional(),
  created_from: timestamp.optional(),
  created_before: timestamp.optional(),
  ...pageInput,
})

export const inclusionProof = z.strictObject({
  object: z.literal('inclusion_proof'),
  index: z.int().nonnegative(),
  size: z.int().positive(),
  proof: z.string(),
})

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
