import { auditIdOf } from '@tallystick/receipt'
import { replace } from '@tallystick/storage'
import { receipts } from './collections.ts'
import type { Deps } from './deps.ts'
import type { StoredReceipt } from './find-receipt.ts'

/** Whose bodies to erase: exactly one of `events`, `ids`, `actor`, `subject` and, for all that is older, `before` alone. */
export interface ErasureSelection {
  events?: readonly string[] | undefined
  /** The audit ids of the records. */
  ids?: readonly string[] | undefined
  actor?: string | undefined
  /** Records that say this party's name anywhere in their events. */
  subject?: string | undefined
  /** Only records from before this moment. */
  before?: Date | undefined
  /** Records that name one of these licenses keep their bodies. */
  keepLicenses?: readonly string[] | undefined
  /** As do those that name one of these items. */
  keepItems?: readonly string[] | undefined
  /** Where the page before ended. */
  after?: string | undefined
  /** Changes nothing. */
  dryRun?: boolean | undefined
}

/** What one page of an erasure came to. */
export interface ErasureOutcome {
  /** How many bodies were erased, or would be. */
  erased: number
  /** The audit ids of their records. */
  ids: string[]
  /** In a dry run: the records whose bodies would be erased, with the licenses that they name. */
  records?: { id: string; licenses: string[] }[]
  /** Bodies that are there still, since a license or an item keeps them. */
  kept: number
  /** Where the next page begins; absent when there is none. */
  next?: string | undefined
}

const pageSize = 500
// 32 receipts, each as long as a receipt may be, are less than a commit may hold.
const commitSize = 32

/**
 * Erases event and salt of a page of a tenant's records, oldest first. Without its salt not even a guessed event can be
 * told from another by the digest in the receipt; receipt, leaf and proofs stay as they are. Idempotent.
 */
export async function eraseBodies(
  deps: Pick<Deps, 'store'>,
  tenant: string,
  selection: ErasureSelection,
): Promise<ErasureOutcome> {
  const ids = new Set<string>()
  return deps.store.attempt(async () => {
    const { items, next } = await selectPage(deps, tenant, selection)
    const keep = new Set([...(selection.keepLicenses ?? []), ...(selection.keepItems ?? [])])
    const meant = items.filter((one) => one.body !== undefined && isMeant(one, selection))
    const doomed = meant.filter((one) => ![...one.licenses, ...one.items].some((name) => keep.has(name)))
    for (let from = 0; from < doomed.length; from += commitSize) {
      const chunk = doomed.slice(from, from + commitSize)
      const writes = chunk.map(({ version, body: _body, salt: _salt, ...rest }) =>
        replace(receipts, rest, version),
      )
      if (selection.dryRun !== true) await deps.store.commit(writes)
      for (const { id } of chunk) ids.add(id)
    }
    const kept = meant.length - doomed.length
    const records = doomed.map(({ id, licenses }) => ({ id, licenses }))
    return {
      erased: ids.size,
      ids: [...ids],
      ...(selection.dryRun === true && { records }),
      kept,
      ...(next !== undefined && { next }),
    }
  })
}

async function selectPage(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  { events, ids = events?.map((event) => auditIdOf(tenant, event)), actor, before, after }: ErasureSelection,
): Promise<{ items: StoredReceipt[]; next?: string | undefined }> {
  if (ids) {
    const found = await store.getMany(receipts, ids)
    const own = found.filter((one) => one?.tenant === tenant && (!before || one.at < before))
    return { items: own.filter((one) => one !== undefined) }
  }
  const index = actor === undefined ? receipts.byTenant : receipts.byActor
  return store.find(index, {
    equals: actor === undefined ? [tenant] : [tenant, actor],
    ...(before && { range: { before } }),
    limit: pageSize,
    after,
  })
}

function isMeant({ body, actor }: StoredReceipt, { subject }: ErasureSelection): boolean {
  if (subject === undefined || body === undefined) return true
  return actor === subject || mentions(JSON.parse(Buffer.from(body).toString()), subject)
}

/** Whether `name` stands anywhere in the JSON value, as a string or as a member's name. */
function mentions(value: unknown, name: string): boolean {
  if (typeof value === 'string') return value === name
  if (Array.isArray(value)) return value.some((one) => mentions(one, name))
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, held]) => key === name || mentions(held, name))
}
