import { hash } from 'node:crypto'
import { increment } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { usageDays, usageMembers } from './collections.ts'
import type { Meter } from './collections.ts'
import { fieldValues, groupOf, isCounted } from './event-fields.ts'
import type { Change, Fed, Feeding, Place } from './feeding.ts'
import { addHour } from './hour-columns.ts'
import type { Counted, HourColumns } from './hour-columns.ts'
import { toScaled } from './scaled.ts'
import { dayMs, hourMs } from './time-pieces.ts'
import { valueWrites } from './value-writes.ts'

export type { Change } from './feeding.ts'

/** What a meter's places are found by; it changes when the meter is built anew. */
export function seriesOf({ id, epoch }: Pick<Meter, 'id' | 'epoch'>): string {
  return `${id}.${epoch}`
}

/** The beginning of the UTC hour of a moment. */
export function hourOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / hourMs) * hourMs)
}

/**
 * The writes by which the meters take in what changes: blind increments for count, sum and unique, versioned documents
 * for max and last. What ceases to count in a max or last is found by reading the events of its hour again. All but
 * `unique`, whose members may be a thousand of an event, keep each license apart beside the customer.
 */
export async function feedMeters(
  deps: Pick<Deps, 'store'>,
  meters: readonly Meter[],
  changes: readonly Change[],
): Promise<Write[]> {
  const feedings = new Map<string, Feeding>()
  for (const { event, sign } of changes) {
    if (event.effective === undefined) continue
    const fed: Fed = { event, sign, scaled: toScaled(event.effective) }
    for (const meter of meters) if (isCounted(meter, event)) feed(feedings, meter, fed)
  }
  // Writes of one collection stay together, which MongoDB takes in one message.
  const days: Write[] = []
  const members: Write[] = []
  const versioned: Feeding[] = []
  for (const feeding of feedings.values()) {
    const { aggregation } = feeding.meter
    if (aggregation === 'unique') members.push(...memberWrites(feeding))
    else if (aggregation === 'max' || aggregation === 'last') versioned.push(feeding)
    else days.push(...dayWrites(feeding))
  }
  return [...days, ...members, ...(await valueWrites(deps, versioned))]
}

// No value holds this control character.
const separator = '\u0001'

function feed(feedings: Map<string, Feeding>, meter: Meter, fed: Fed): void {
  const { event } = fed
  const { tenant, customer, licenses, occurredAt } = event
  const group = groupOf(meter, event)
  const hour = Math.floor(occurredAt.getTime() / hourMs)
  const day = Math.floor(hour / 24)
  const parts = [seriesOf(meter), customer, day, ...group]
  const keep = (kind: Place['kind'], holder: string) => {
    const key = [...parts, kind, holder].join(separator)
    let found = feedings.get(key)
    if (!found) {
      const id = hash('sha256', key, 'base64url')
      const at = { day: new Date(day * dayMs), group }
      const place = { id, tenant, series: seriesOf(meter), kind, holder, customer, ...at }
      feedings.set(key, (found = { place, meter, hours: new Map() }))
    }
    const known = found.hours.get(hour % 24)
    if (known) known.push(fed)
    else found.hours.set(hour % 24, [fed])
  }
  keep('customer', customer)
  if (meter.aggregation !== 'unique') for (const license of new Set(licenses)) keep('license', license)
}

/** One write for each place, however many of its hours change. */
function dayWrites({ place: { id, ...create }, hours }: Feeding): Write[] {
  const columns: HourColumns = {}
  for (const [hour, changes] of hours) addHour(columns, hour, countedOf(changes))
  return Object.keys(columns).length > 0 ? [increment(usageDays, id, columns, {}, create)] : []
}

function countedOf(changes: readonly Fed[]): Counted {
  const counted = { count: 0n, sum: 0n }
  for (const { sign, scaled } of changes) {
    counted.count += sign
    counted.sum += sign * scaled
  }
  return counted
}

function memberWrites({ place: { id: placeId, ...create }, meter, hours }: Feeding): Write[] {
  const uses = new Map<string, HourColumns>()
  for (const [hour, changes] of hours) {
    const counts = new Map<string, bigint>()
    for (const { event, sign } of changes) {
      for (const member of new Set(fieldValues(event, meter.field)))
        counts.set(member, (counts.get(member) ?? 0n) + sign)
    }
    for (const [member, count] of counts) {
      const columns = uses.get(member) ?? {}
      uses.set(member, columns)
      addHour(columns, hour, { count, sum: 0n })
    }
  }
  return [...uses]
    .filter(([, columns]) => Object.keys(columns).length > 0)
    .map(([member, columns]) => {
      const id = hash('sha256', JSON.stringify([placeId, member]), 'base64url')
      return increment(usageMembers, id, columns, {}, { ...create, member })
    })
}
