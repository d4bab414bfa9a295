import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** Prepaid credit of a customer. `remaining` is drawn down by invoices and is never negative. */
export const creditGrants = collection('credit_grants', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    customer: z.string(),
    currency: z.string(),
    amount: z.bigint(),
    remaining: z.bigint(),
    /** Lower is drawn first; then what expires first, then what is oldest. */
    priority: z.number(),
    name: z.string(),
    status: z.enum(['open', 'expired', 'voided']),
    expiresAt: z.date().optional(),
    createdAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byCustomer: ['tenant', 'customer', 'status', 'createdAt'],
    expiring: { keys: ['status', 'expiresAt'], where: { expiresAt: { exists: true } } },
  },
})
