import { collection } from '@tallystick/storage'
import { z } from 'zod'

/** A time of its own for some customers, in test mode: it stands still until it is advanced. */
export const testClocks = collection('test_clocks', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    now: z.date(),
    status: z.enum(['ready', 'advancing']),
    /** Where an advance is going, until it has arrived. */
    target: z.date().optional(),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    advancing: { keys: ['status', 'createdAt'], where: { status: 'advancing' } },
  },
})
