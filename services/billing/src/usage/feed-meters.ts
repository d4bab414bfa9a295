import { hash } from 'node:crypto'
import { increment, insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { usageDays, usageMembers, usageValues } from './collections.ts'
import type { Meter, UsageValue, UsageEvent } from './collections.ts'
import { fieldValues, groupOf, isCounted } from './event-fields.ts'
import { hourEvents } from './hour-events.ts'
import { hourDelta } from './hour-columns.ts'
import type { HourColumns } from './hour-columns.ts'
import { toScaled } from './scaled.ts'

/** An event that begins to count, or (`sign` −1) ceases to count as it stands. */
export interface Change {
  event: UsageEvent
  sign: 1n | -1n
}

const dayMs = 86_400_000

type Place = Pick<UsageValue, 'id' | 'tenant' | 'series' | 'customer' | 'hour' | 'group'>
type Value = Pick<UsageValue, 'value' | 'valueAt' | 'valueSequence'>

interface Feeding {
  place: Place
  meter: Meter
  changes: Change[]
}

/** What the buckets of a meter are found by; it changes when the meter is built anew. */
export function seriesOf({ id, epoch }: Pick<Meter, 'id' | 'epoch'>): string {
  return `${id}.${epoch}`
}

/** The beginning of the UTC hour of a moment. */
export function hourOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 3_600_000) * 3_600_000)
}

/**
 * The writes by which the meters take in what changes: blind increments for count, sum and unique, versioned documents
 * for max and last. What ceases to count in a max or last is found by reading the events of its hour again.
 */
export async function feedMeters(
  deps: Pick<Deps, 'store'>,
  meters: readonly Meter[],
  changes: readonly Change[],
): Promise<Write[]> {
  const feedings = new Map<string, Feeding>()
  for (const change of changes) {
    const { event } = change
    if (event.effective === undefined) continue
    for (const meter of meters) {
      if (!isCounted(meter, event)) continue
      const place = placeOf(meter, event)
      const feeding = feedings.get(place.id) ?? { place, meter, changes: [] }
      feedings.set(place.id, feeding)
      feeding.changes.push(change)
    }
  }
  const writes: Write[] = []
  const versioned: Feeding[] = []
  const additive: Feeding[] = []
  for (const feeding of feedings.values()) {
    const { aggregation } = feeding.meter
    if (aggregation === 'unique') writes.push(...memberWrites(feeding))
    else if (aggregation === 'max' || aggregation === 'last') versioned.push(feeding)
    else additive.push(feeding)
  }
  return [...dayWrites(additive), ...writes, ...(await valueWrites(deps, versioned))]
}

function placeOf(meter: Meter, { tenant, customer, occurredAt, ...event }: UsageEvent): Place {
  const series = seriesOf(meter)
  const hour = hourOf(occurredAt)
  const group = groupOf(meter, event)
  return { id: keyOf(series, customer, hour.getTime(), ...group), tenant, series, customer, hour, group }
}

function keyOf(...parts: readonly (string | number)[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

/** One write for each day, customer and group, however many of its hours change. */
function dayWrites(feedings: readonly Feeding[]): Write[] {
  const days = new Map<string, { place: Omit<Place, 'id' | 'hour'>; day: Date; by: HourColumns }>()
  for (const { place, changes } of feedings) {
    const { id: _, hour, ...rest } = place
    const day = new Date(Math.floor(hour.getTime() / dayMs) * dayMs)
    const id = keyOf(place.series, place.customer, day.getTime(), ...place.group)
    const found = days.get(id) ?? { place: rest, day, by: {} }
    let count = 0n
    let sum = 0n
    for (const { event, sign } of changes) {
      count += sign
      sum += sign * toScaled(event.effective ?? '0')
    }
    days.set(id, { ...found, by: { ...found.by, ...hourDelta(hour.getUTCHours(), { count, sum }) } })
  }
  return [...days]
    .filter(([, { by }]) => Object.keys(by).length > 0)
    .map(([id, { place, day, by }]) => increment(usageDays, id, by, {}, { ...place, day }))
}

function memberWrites({ place, meter, changes }: Feeding): Write[] {
  const uses = new Map<string, bigint>()
  for (const { event, sign } of changes) {
    for (const member of new Set(fieldValues(event, meter.field)))
      uses.set(member, (uses.get(member) ?? 0n) + sign)
  }
  const { id: bucket, ...create } = place
  return [...uses]
    .filter(([, by]) => by !== 0n)
    .map(([member, by]) =>
      increment(usageMembers, keyOf(bucket, member), { uses: by }, {}, { ...create, member }),
    )
}

async function valueWrites(deps: Pick<Deps, 'store'>, feedings: readonly Feeding[]): Promise<Write[]> {
  if (feedings.length === 0) return []
  const found = await deps.store.getMany(
    usageValues,
    feedings.map(({ place }) => place.id),
  )
  const writes: Write[] = []
  for (const [at, feeding] of feedings.entries()) writes.push(await valueWrite(deps, feeding, found[at]))
  return writes
}

async function valueWrite(
  deps: Pick<Deps, 'store'>,
  feeding: Feeding,
  stored: Stored<UsageValue> | undefined,
): Promise<Write> {
  const { place, meter, changes } = feeding
  const begin = changes.filter(({ sign }) => sign === 1n).map(({ event }) => event)
  const shrinks = begin.length < changes.length
  const events = shrinks ? [...(await remaining(deps, feeding)), ...begin] : begin
  const value = events.reduce<Value>(
    (best, event) => better(meter, best, event),
    shrinks || !stored ? {} : valueOf(stored),
  )
  const bucket = { ...place, ...value }
  return stored ? replace(usageValues, bucket, stored.version) : insert(usageValues, bucket)
}

/** The events of the bucket's hour and group that still count. */
async function remaining(
  deps: Pick<Deps, 'store'>,
  { place, meter, changes }: Feeding,
): Promise<UsageEvent[]> {
  const gone = new Set(changes.map(({ event }) => event.id))
  const events = await hourEvents(deps, place)
  return events.filter(
    (event) => !gone.has(event.id) && isCounted(meter, event) && placeOf(meter, event).id === place.id,
  )
}

function valueOf({ value, valueAt, valueSequence }: UsageValue): Value {
  return {
    ...(value !== undefined && { value }),
    ...(valueAt && { valueAt }),
    ...(valueSequence !== undefined && { valueSequence }),
  }
}

/** The greater, or the later of two; of one moment the one that was received later, then the greater. */
function better({ aggregation }: Meter, best: Value, event: UsageEvent): Value {
  const value = event.effective ?? '0'
  const greater = best.value === undefined || toScaled(value) > toScaled(best.value)
  if (aggregation === 'max') return greater ? { value } : best
  const candidate = { value, valueAt: event.occurredAt, valueSequence: event.receivedAt.getTime() }
  if (best.value === undefined) return candidate
  const order =
    event.occurredAt.getTime() - (best.valueAt?.getTime() ?? 0) ||
    event.receivedAt.getTime() - (best.valueSequence ?? 0)
  return order > 0 || (order === 0 && greater) ? candidate : best
}
