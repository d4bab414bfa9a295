import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { meters } from './collections.ts'
import type { Meter } from './collections.ts'
import { mostMeters } from './find-meters.ts'

/** A meter that does not know yet where it keeps its figures. */
type Placeless = Omit<Meter, 'series' | 'joinable'>

/**
 * Where a meter of a new epoch keeps its figures: a count joins a sum with the same metric and group_by, and a sum a
 * count, so that an event costs the two no more writes than one; else in documents of its own. The writes belong into
 * the commit that stores the meter.
 */
export async function joinSeries(
  { store }: Pick<Deps, 'store'>,
  meter: Placeless,
): Promise<{ meter: Meter; writes: Write[] }> {
  const { id, tenant, metric, aggregation, epoch } = meter
  const series = `${id}.${epoch}`
  if (aggregation !== 'count' && aggregation !== 'sum') return { meter: { ...meter, series }, writes: [] }
  const { items } = await store.find(meters.feeding, { equals: [tenant, metric], limit: mostMeters })
  const partner = items.find((one) => isPartner(one, meter))
  if (!partner) return { meter: { ...meter, series, joinable: true }, writes: [] }
  const { version, joinable: _, ...joined } = partner
  return { meter: { ...meter, series: joined.series }, writes: [replace(meters, joined, version)] }
}

function isPartner(one: Meter, { id, aggregation, groupBy }: Placeless): boolean {
  return (
    one.id !== id &&
    one.joinable === true &&
    one.aggregation !== aggregation &&
    one.groupBy.join('\n') === groupBy.join('\n')
  )
}
