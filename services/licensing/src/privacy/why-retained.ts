import type { Store } from '@tallystick/storage'
import type { z } from 'zod'
import type { licenses } from '../collections.ts'
import { retentionPolicies } from './collections.ts'

const dayMs = 86_400_000

/**
 * Why an agreement must stay as it is: it is in force, or a retention policy keeps it for a time after its end. The
 * other party, and the law, rely on who agreed.
 */
export async function whyRetained(
  store: Store,
  license: z.infer<typeof licenses.schema>,
  at: Date,
): Promise<string | undefined> {
  const { tenant, id, status, updatedAt } = license
  if (['offered', 'accepted', 'active'].includes(status)) return `agreement_${status}`
  if (status === 'draft') return undefined
  for await (const policy of store.scan(retentionPolicies.byKind, {
    equals: [tenant, 'licenses', 'active'],
  })) {
    const concerns = policy.license === undefined || policy.license === id
    if (concerns && updatedAt.getTime() + policy.keepDays * dayMs > at.getTime())
      return `retention:${policy.id}`
  }
  return undefined
}
