import { auditRecord, contentHash, idSchema, reference, usageMetric } from '@tallystick/protocol'
import { z } from 'zod'

const unixSeconds = z.int().nonnegative()

/**
 * What a receipt promises: that `event` of `kind`, done by `actor` at `iat` (Unix seconds), whose salted digest is
 * `body`, stands in the log `iss` by `merge_by` (Unix seconds).
 */
export const ReceiptPayload = z
  .strictObject({
    iss: z
      .string()
      .max(255)
      .regex(/^[^\s+\p{Cc}\p{Cs}]+$/u, 'must be a log origin, without spaces and plus signs'),
    jti: idSchema('audit'),
    iat: unixSeconds,
    kind: auditRecord.shape.kind,
    event: auditRecord.shape.event,
    actor: auditRecord.shape.actor,
    licenses: z.array(reference).max(100),
    items: z.array(contentHash).max(1000),
    usage: usageMetric.optional(),
    body: contentHash,
    merge_by: unixSeconds,
  })
  .refine((payload) => payload.merge_by >= payload.iat, {
    path: ['merge_by'],
    error: 'must not lie before iat',
  })
export type ReceiptPayload = z.infer<typeof ReceiptPayload>

/**
 * The RFC 8785 form of a payload that the schema accepted. Faster than `canonicalize`: the members are known, so they
 * are written in canonical order; the strings are well-formed and the numbers integers, where JSON.stringify is canonical.
 */
export function serializePayload(payload: ReceiptPayload): string {
  const { actor, body, event, iat, iss, items, jti, kind, licenses, merge_by, usage } = payload
  return JSON.stringify({
    actor,
    body,
    event,
    iat,
    iss,
    items,
    jti,
    kind,
    licenses,
    merge_by,
    usage: usage && { metric: usage.metric, model_id: usage.model_id, quantity: usage.quantity },
  })
}
