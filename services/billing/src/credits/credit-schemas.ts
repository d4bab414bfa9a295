import { idSchema, moneyAmount, pageInput, reference, timestamp } from '@tallystick/protocol'
import { z } from 'zod'

/** `POST /v1/credit-grants`: in the customer's currency. */
export const grantInput = z.strictObject({
  customer: idSchema('customer'),
  /** Minor units. */
  amount: z.int().positive().max(1e15),
  name: reference.default('Credit'),
  /** Lower is drawn first. */
  priority: z.int().min(0).max(100).default(50),
  /** Whether money was paid for it; else it is a gift. */
  paid: z.boolean().default(true),
  expires_at: timestamp.optional(),
})
export type GrantInput = z.infer<typeof grantInput>

export const grantView = z
  .strictObject({
    object: z.literal('credit_grant'),
    id: idSchema('creditGrant'),
    livemode: z.boolean(),
    customer: z.string(),
    name: z.string(),
    status: z.enum(['open', 'expired', 'voided']),
    priority: z.int(),
    amount: moneyAmount,
    remaining: moneyAmount,
    expires_at: timestamp.optional(),
    created_at: timestamp,
    audit_id: idSchema('audit'),
  })
  .meta({ id: 'CreditGrant' })

export const grantIdInput = z.strictObject({ grant_id: idSchema('creditGrant') })
export const listInput = z.strictObject({
  customer: idSchema('customer'),
  status: z.enum(['open', 'expired', 'voided']).optional(),
  ...pageInput,
})
