import { remove, replace, StorageError } from '@tallystick/storage'
import type { Document, Index, Stored, Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { meters, usageDays, usageMembers, usageValues } from './collections.ts'
import type { Meter, UsageDay } from './collections.ts'
import { withoutColumns } from './hour-columns.ts'

type Store = Deps['store']

/** Removes the figures of a meter as it was before it was rebuilt; those of another in the same documents stay. */
export async function dropSeries({ store }: Pick<Deps, 'store'>, meter: Meter): Promise<void> {
  const { aggregation } = meter
  if (aggregation === 'unique') return changeEach(store, usageMembers.byHolder, meter, removal(usageMembers))
  if (aggregation === 'max' || aggregation === 'last')
    return changeEach(store, usageValues.byHolder, meter, removal(usageValues))
  if (!(await isShared(store, meter))) return changeEach(store, usageDays.byHolder, meter, removal(usageDays))
  return changeEach(store, usageDays.byHolder, meter, ({ version, ...day }) => {
    const left = withoutColumns<UsageDay>(day, aggregation)
    return left ? replace(usageDays, left, version) : remove(usageDays, day.id, version)
  })
}

function removal(collection: Parameters<typeof remove>[0]): (document: Document) => Write {
  return ({ id }) => remove(collection, id)
}

async function isShared(store: Store, { id, tenant, series }: Meter): Promise<boolean> {
  for await (const other of store.scan(meters.byTenant, { equals: [tenant] }))
    if (other.id !== id && other.series === series) return true
  return false
}

async function changeEach<T extends Document>(
  store: Store,
  index: Index<T>,
  { tenant, series }: Meter,
  write: (document: Stored<T>) => Write,
): Promise<void> {
  let after: string | undefined
  for (;;) {
    const { items, next } = await store.find(index, { equals: [tenant, series], limit: 500, after })
    try {
      await store.commit(items.map(write))
    } catch (error) {
      // Another copy drops the same, or a report counts for the other meter: the page is read again.
      if (!(error instanceof StorageError && error.code === 'StaleVersion')) throw error
      continue
    }
    if (next === undefined) return
    after = next
  }
}
