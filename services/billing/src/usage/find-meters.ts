import { Fault } from '@tallystick/protocol'
import { ensure, expect } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { meterEpochs, meters } from './collections.ts'
import type { Meter } from './collections.ts'

/** Which meters a commit has to feed; it holds as long as the tenant's meters stay as they are. */
export interface FedMeters {
  epoch: { epoch: number; version: number; expected: Write }
  meters: Stored<Meter>[]
}

/** The most meters of a tenant that are not archived. */
export const mostMeters = 100

/**
 * The meters of some metrics that take in events, and the write that keeps a commit from passing when a meter was
 * made, rebuilt or archived meanwhile. So each event is counted either by its commit or by the builder, never by both.
 */
export async function metersOf(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  metrics: ReadonlySet<string>,
): Promise<FedMeters> {
  // Before the meters: whatever changes them after this read fails the commit.
  const epoch = await epochOf({ store }, tenant)
  const found = await Promise.all([...metrics].map((metric) => feedingOf(store, tenant, metric)))
  return { epoch, meters: found.flat() }
}

/**
 * As metersOf, from what this process read at the same epoch; for reports alone, which do not look at what moves no
 * epoch: how far a meter is built.
 */
export async function metersKnown(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  metrics: ReadonlySet<string>,
): Promise<FedMeters> {
  const epoch = await epochOf({ store }, tenant)
  const known = knownOf(store)
  const found: Stored<Meter>[] = []
  for (const metric of metrics) {
    const key = JSON.stringify([tenant, metric])
    let entry = known.get(key)
    if (entry?.version !== epoch.version) {
      entry = { version: epoch.version, meters: await feedingOf(store, tenant, metric) }
      if (known.size >= mostKnown) known.clear()
      known.set(key, entry)
    }
    found.push(...entry.meters)
  }
  return { epoch, meters: found }
}

interface Known {
  version: number
  meters: Stored<Meter>[]
}

const mostKnown = 1000
const knownByStore = new WeakMap<Deps['store'], Map<string, Known>>()

function knownOf(store: Deps['store']): Map<string, Known> {
  let known = knownByStore.get(store)
  if (!known) knownByStore.set(store, (known = new Map()))
  return known
}

async function feedingOf(store: Deps['store'], tenant: string, metric: string): Promise<Stored<Meter>[]> {
  return (await store.find(meters.feeding, { equals: [tenant, metric], limit: mostMeters })).items
}

/** The tenant's meter epoch; made at its first use. */
export async function epochOf({ store }: Pick<Deps, 'store'>, tenant: string): Promise<FedMeters['epoch']> {
  let found = await store.get(meterEpochs, tenant)
  if (!found) {
    await store.commit([ensure(meterEpochs, { id: tenant, epoch: 0 })])
    found = await store.get(meterEpochs, tenant)
  }
  if (!found) throw new Error(`the meter epoch of ${tenant} is gone`)
  const { epoch, version } = found
  return { epoch, version, expected: expect(meterEpochs, tenant, version) }
}

/** The meter of that id, or of that name; Fault `not_found`. */
export async function findMeter(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  name: string,
): Promise<Stored<Meter>> {
  const byId = name.startsWith('meter_') ? await store.get(meters, name) : undefined
  if (byId?.tenant === tenant) return byId
  const { items } = await store.find(meters.byName, { equals: [tenant, name], limit: 1 })
  if (!items[0]) throw new Fault('not_found')
  return items[0]
}
