import { increment, remove } from '@tallystick/storage'
import type { Store, Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import { consents, datasets, datasetTotals, items, licenses } from '../collections.ts'
import type { ActiveHolds } from './active-holds.ts'
import type { retentionPolicies } from './collections.ts'

/** A policy as it is stored. */
export type StoredPolicy = z.infer<typeof retentionPolicies.schema>

/** One object whose time is over: the writes that purge it, or why it is kept all the same. */
export interface DueObject {
  object: string
  id: string
  writes: Write[]
  kept?: string
}

const dayMs = 86_400_000
const final = ['expired', 'revoked', 'terminated', 'superseded']
const inForce = ['active', 'accepted', 'offered']

/** The moment before which a policy lets go of data. */
export function horizonOf({ keepDays }: Pick<StoredPolicy, 'keepDays'>, at: Date): Date {
  return new Date(at.getTime() - keepDays * dayMs)
}

/**
 * All that is due under a policy, oldest first: the dry run tells it and the run purges it. Bodies of audit records are
 * not among it; the audit service has them.
 */
export async function* dueForPurge(
  store: Store,
  policy: StoredPolicy,
  holds: ActiveHolds,
  at: Date,
): AsyncIterable<DueObject> {
  const { tenant, kind } = policy
  const horizon = horizonOf(policy, at)
  // What was made after the horizon cannot have ended before it.
  const range = { upTo: horizon }
  if (kind === 'consents') {
    for await (const one of store.scan(consents.byTenant, { equals: [tenant], range }))
      if (endOfConsent(one) <= horizon) yield purgeConsent(one, holds)
  }
  if (kind === 'items') {
    for await (const one of store.scan(items.byTenant, { equals: [tenant], range }))
      yield await purgeItem(store, one, holds)
  }
  if (kind === 'licenses') {
    for (const status of final) {
      for await (const one of store.scan(licenses.byStatus, { equals: [tenant, status], range })) {
        const meant = policy.license === undefined || policy.license === one.id
        if (meant && one.updatedAt <= horizon) yield purgeLicense(one, holds)
      }
    }
  }
}

type Consent = Stored<z.infer<typeof consents.schema>>

function endOfConsent({ withdrawnAt, expiresAt }: Consent): Date {
  return withdrawnAt ?? expiresAt ?? new Date(8.64e15)
}

function purgeConsent(one: Consent, holds: ActiveHolds): DueObject {
  const hold =
    holds.on('subject', [one.subject, one.grantedBy ?? one.subject]) ?? holds.on('item', one.items ?? [])
  return fate('consent', one.id, hold, [remove(consents, one.id, one.version)])
}

async function purgeItem(
  store: Store,
  one: Stored<z.infer<typeof items.schema>>,
  holds: ActiveHolds,
): Promise<DueObject> {
  const hold = holds.on('item', [one.hash]) ?? holds.on('subject', one.creators)
  if (hold === undefined && (await isLicensed(store, one)))
    return { object: 'item', id: one.id, writes: [], kept: 'agreement_in_force' }
  const counted = one.dataset === undefined ? [] : [increment(datasetTotals, one.dataset, { items: -1 })]
  return fate('item', one.id, hold, [remove(items, one.id, one.version), ...counted])
}

/** Whether an agreement in force covers the item by its hash, its reference or its dataset. */
async function isLicensed(store: Store, item: z.infer<typeof items.schema>): Promise<boolean> {
  const { tenant, hash, reference } = item
  const dataset = item.dataset === undefined ? undefined : await store.get(datasets, item.dataset)
  const names = [hash, reference, dataset?.id, dataset?.reference].filter((name) => name !== undefined)
  for (const name of names) {
    for (const status of inForce) {
      const found = await store.find(licenses.byItem, { equals: [tenant, name, status], limit: 1 })
      if (found.items.length > 0) return true
    }
  }
  return false
}

function purgeLicense(one: Stored<z.infer<typeof licenses.schema>>, holds: ActiveHolds): DueObject {
  const hold =
    holds.on('license', [one.id]) ??
    holds.on('subject', [one.creator, one.buyer]) ??
    holds.on('item', one.items)
  return fate('license', one.id, hold, [remove(licenses, one.id, one.version)])
}

function fate(object: string, id: string, hold: string | undefined, writes: Write[]): DueObject {
  return hold === undefined ? { object, id, writes } : { object, id, writes: [], kept: `legal_hold:${hold}` }
}
