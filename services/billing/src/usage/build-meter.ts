import { replace, StorageError } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { meters, usageEvents } from './collections.ts'
import type { Meter } from './collections.ts'
import { restartMeter } from './create-meter.ts'
import { dropSeries } from './drop-series.ts'
import { feedMeters } from './feed-meters.ts'
import { findMeter } from './find-meters.ts'
import { counts } from './hour-events.ts'
import { againAfterDuplicate } from './again-after-duplicate.ts'

const pageSize = 500

/**
 * Counts the events of before a meter's epoch into its buckets, page by page: each page and the place after it are one
 * commit, so whoever goes on after a crash counts nothing twice. Gives whether it is done, within `pages`.
 */
export async function buildMeter(
  deps: Pick<Deps, 'store'>,
  id: string,
  pages = Number.MAX_SAFE_INTEGER,
): Promise<boolean> {
  for (let page = 0; page < pages; page++) {
    if (await againAfterDuplicate(() => deps.store.attempt(() => buildPage(deps, id, pageSize)))) return true
  }
  return false
}

async function buildPage({ store }: Pick<Deps, 'store'>, id: string, limit: number): Promise<boolean> {
  const stored = await store.get(meters, id)
  if (stored?.status !== 'building') return true
  const { version, progress, ...meter } = stored
  const { items, next } = await store.find(usageEvents.byTenant, {
    equals: [meter.tenant],
    limit,
    after: progress,
  })
  const changes = items
    .filter((event) => counts(event) && event.epoch < meter.epoch)
    .map((event) => ({ event, sign: 1n as const }))
  const after: Meter = next === undefined ? { ...meter, status: 'active' } : { ...meter, progress: next }
  try {
    await store.commit([replace(meters, after, version), ...(await feedMeters({ store }, [meter], changes))])
  } catch (error) {
    // Events of many licenses or members touch more figures than a commit may write.
    const isTooMuch = error instanceof StorageError && error.code === 'TooLarge' && limit > 1
    if (!isTooMuch) throw error
    return buildPage({ store }, id, Math.ceil(limit / 4))
  }
  return next === undefined
}

/** Goes on with the meters that are not built yet. */
export async function buildMeters(deps: Pick<Deps, 'store'>): Promise<void> {
  const { items } = await deps.store.find(meters.building, { equals: ['building'], limit: 100 })
  for (const { id } of items) await buildMeter(deps, id)
}

/**
 * Counts a meter anew from its events while it goes on counting, and drops what it had counted before. Both give the
 * same figures; this is for after a restored backup, or for whoever wants to see it.
 */
export async function rebuildAggregates(
  deps: Pick<Deps, 'store'>,
  tenant: string,
  meter: string,
): Promise<Meter> {
  const { before, after } = await deps.store.attempt(async () => {
    const found = await findMeter(deps, tenant, meter)
    const restarted = await restartMeter(deps, tenant, found)
    await deps.store.commit(restarted.writes)
    return { before: found, after: restarted.meter }
  })
  await buildMeter(deps, after.id)
  await dropSeries(deps, before)
  return findMeter(deps, tenant, after.id)
}
