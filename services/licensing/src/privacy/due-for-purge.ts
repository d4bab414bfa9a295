import { increment, remove } from '@tallystick/storage'
import type { Page, Query, Store, Stored, Write } from '@tallystick/storage'
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

/** Where a run of a policy stands: in which selection, behind which cursor. */
export interface PurgePlace {
  selection: number
  after?: string | undefined
}

/** A page of what is due, and where the next begins. */
export interface DuePage {
  due: DueObject[]
  next?: PurgePlace | undefined
}

type Consent = Stored<z.infer<typeof consents.schema>>
type Item = Stored<z.infer<typeof items.schema>>
type License = Stored<z.infer<typeof licenses.schema>>
type Selection = (query: Pick<Query, 'after' | 'limit'>) => Promise<{ due: DueObject[]; next?: string }>

const dayMs = 86_400_000
const pageSize = 100
const final = ['expired', 'revoked', 'terminated', 'superseded'] as const
const inForce = ['active', 'accepted', 'offered']

/** The moment before which a policy lets go of data. */
export function horizonOf({ keepDays }: Pick<StoredPolicy, 'keepDays'>, at: Date): Date {
  return new Date(at.getTime() - keepDays * dayMs)
}

/**
 * A page of what is due under a policy, by indexes on the moment from which it counts: nothing that is not due is read,
 * and what is due is read once a run. The dry run tells it and the run purges it. Bodies of audit records are not among
 * it; the audit service has them.
 */
export async function dueForPurge(
  store: Store,
  policy: StoredPolicy,
  holds: ActiveHolds,
  { at, place = { selection: 0 } }: { at: Date; place?: PurgePlace | undefined },
): Promise<DuePage> {
  const selections = selectionsOf(store, policy, holds, at)
  const selection = selections[place.selection]
  if (!selection) return { due: [] }
  const { due, next } = await selection({ after: place.after, limit: pageSize })
  if (next !== undefined) return { due, next: { selection: place.selection, after: next } }
  const last = place.selection + 1 >= selections.length
  return last ? { due } : { due, next: { selection: place.selection + 1 } }
}

function selectionsOf(store: Store, policy: StoredPolicy, holds: ActiveHolds, at: Date): Selection[] {
  const { tenant, kind, license } = policy
  const range = { upTo: horizonOf(policy, at) }
  const all = { equals: [tenant], range }
  if (kind === 'consents') {
    const expired = async (one: Consent) => (one.withdrawnAt ? undefined : purgeConsent(one, holds))
    return [
      selection(
        (query) => store.find(consents.byWithdrawal, { ...all, ...query }),
        async (one) => purgeConsent(one, holds),
      ),
      // What was withdrawn counts from its withdrawal.
      selection((query) => store.find(consents.byExpiry, { ...all, ...query }), expired),
    ]
  }
  if (kind === 'items') {
    const purge = (one: Item) => purgeItem(store, one, holds)
    return [selection((query) => store.find(items.byTenant, { ...all, ...query }), purge)]
  }
  if (kind !== 'licenses') return []
  const purge = async (one: License) => purgeLicense(one, holds)
  if (license !== undefined)
    return [selection(async () => ({ items: await endedLicense(store, license, policy, range.upTo) }), purge)]
  return final.map((status) =>
    selection((query) => store.find(licenses.byChange, { equals: [tenant, status], range, ...query }), purge),
  )
}

/** A selection of an index, each of its documents with its fate; undefined for one that is not due after all. */
function selection<T>(
  find: (query: Pick<Query, 'after' | 'limit'>) => Promise<Page<T>>,
  purge: (one: Stored<T>) => Promise<DueObject | undefined>,
): Selection {
  return async (query) => {
    const page = await find(query)
    const due: DueObject[] = []
    for (const one of page.items) {
      const found = await purge(one)
      if (found) due.push(found)
    }
    return { due, ...(page.next !== undefined && { next: page.next }) }
  }
}

async function endedLicense(
  store: Store,
  id: string,
  { tenant }: StoredPolicy,
  horizon: Date,
): Promise<License[]> {
  const found = await store.get(licenses, id)
  const isDue =
    found?.tenant === tenant && final.some((one) => one === found.status) && found.updatedAt <= horizon
  return found && isDue ? [found] : []
}

function purgeConsent(one: Consent, holds: ActiveHolds): DueObject {
  const hold =
    holds.on('subject', [one.subject, one.grantedBy ?? one.subject]) ?? holds.on('item', one.items ?? [])
  return fate('consent', one.id, hold, [remove(consents, one.id, one.version)])
}

async function purgeItem(store: Store, one: Item, holds: ActiveHolds): Promise<DueObject> {
  const hold = holds.on('item', [one.hash]) ?? holds.on('subject', one.creators)
  if (hold === undefined && (await isLicensed(store, one)))
    return { object: 'item', id: one.id, writes: [], kept: 'agreement_in_force' }
  const counted = one.dataset === undefined ? [] : [increment(datasetTotals, one.dataset, { items: -1 })]
  return fate('item', one.id, hold, [remove(items, one.id, one.version), ...counted])
}

/** Whether an agreement in force covers the item by its hash, its reference or its dataset. */
async function isLicensed(store: Store, item: Item): Promise<boolean> {
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

function purgeLicense(one: License, holds: ActiveHolds): DueObject {
  const hold =
    holds.on('license', [one.id]) ??
    holds.on('subject', [one.creator, one.buyer]) ??
    holds.on('item', one.items)
  return fate('license', one.id, hold, [remove(licenses, one.id, one.version)])
}

function fate(object: string, id: string, hold: string | undefined, writes: Write[]): DueObject {
  return hold === undefined ? { object, id, writes } : { object, id, writes: [], kept: `legal_hold:${hold}` }
}
