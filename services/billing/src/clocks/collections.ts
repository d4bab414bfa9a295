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
    /** When it was last moved, in real time: one that stands still on its way was left behind. */
    movedAt: z.date(),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    advancing: { keys: ['status', 'movedAt'], where: { status: 'advancing' } },
  },
})
