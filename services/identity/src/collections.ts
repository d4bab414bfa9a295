import { accountRole } from '@tallystick/protocol'
import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** The parties of a marketplace. The founding operator's id is the tenant of all others. */
export const accounts = collection('accounts', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    role: accountRole,
    name: z.string(),
    email: z.string().optional(),
    country: z.string().optional(),
    /** The tenant's own reference. */
    externalId: z.string().optional(),
    plan: z.string(),
    metadata: z.record(z.string(), z.string()),
    status: z.enum(['active', 'suspended']),
    suspensionReason: z.string().optional(),
    createdAt: z.date(),
    updatedAt: z.date(),
    /** Of the latest change. */
    auditId: z.string(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byRole: ['tenant', 'role', 'createdAt'],
    byExternalId: { keys: ['tenant', 'externalId'], unique: true, where: { externalId: { exists: true } } },
  },
})
export type StoredAccount = z.infer<typeof accounts.schema>
