import { hash } from 'node:crypto'
import { increment } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { usageDays, usageMembers } from './collections.ts'
import type { Meter } from './collections.ts'
import { fieldValues, isCounted } from './event-fields.ts'
import type { Change, DayFeeding, Feeding } from './feeding.ts'
import { addHour } from './hour-columns.ts'
import type { Counted, HourColumns } from './hour-columns.ts'
import { placesOf } from './places-of.ts'
import { toScaled } from './scaled.ts'
import { hourMs } from './time-pieces.ts'
import { valueWrites } from './value-writes.ts'

export type { Change } from './feeding.ts'

/** The beginning of the UTC hour of a moment. */
export function hourOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / hourMs) * hourMs)
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
  const days = new Map<string, DayFeeding>()
  const others = new Map<string, Feeding>()
  const series = [...Map.groupBy(meters, (meter) => meter.series).values()]
  for (const change of changes) {
    if (change.event.effective === undefined) continue
    for (const together of series) feed({ days, others }, together, change)
  }
  // Writes of one collection stay together, which MongoDB takes in one message.
  const members: Write[] = []
  const versioned: Feeding[] = []
  for (const feeding of others.values()) {
    if (feeding.meter.aggregation === 'unique') members.push(...memberWrites(feeding))
    else versioned.push(feeding)
  }
  return [...[...days.values()].flatMap(dayWrites), ...members, ...(await valueWrites(deps, versioned))]
}

interface Feedings {
  days: Map<string, DayFeeding>
  others: Map<string, Feeding>
}

/** Puts a change where the meters of one series keep it; they have the same places. */
function feed({ days, others }: Feedings, together: readonly Meter[], change: Change): void {
  const { event, sign } = change
  const counting = together.filter((meter) => isCounted(meter, event))
  const [meter] = counting
  if (!meter) return
  const hour = Math.floor(event.occurredAt.getTime() / hourMs) % 24
  const scaled = toScaled(event.effective ?? '0')
  for (const { key, make } of placesOf(meter, event)) {
    if (meter.aggregation !== 'count' && meter.aggregation !== 'sum') {
      const { hours } = foundOrMade(others, key, () => ({ place: make(), meter, hours: new Map() }))
      foundOrMade(hours, hour, () => []).push(change)
      continue
    }
    const day = foundOrMade(days, key, () => ({ place: make(), count: new Map(), sum: new Map() }))
    for (const { aggregation } of counting) {
      const counted = foundOrMade(aggregation === 'count' ? day.count : day.sum, hour, nothing)
      counted.count += sign
      counted.sum += sign * scaled
    }
  }
}

const nothing = (): Counted => ({ count: 0n, sum: 0n })

function foundOrMade<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let found = map.get(key)
  if (found === undefined) map.set(key, (found = make()))
  return found
}

/** One write for each place, however many of its hours change. */
function dayWrites({ place: { id, ...create }, count, sum }: DayFeeding): Write[] {
  const columns: HourColumns = {}
  for (const [hour, counted] of count) addHour(columns, 'count', hour, counted)
  for (const [hour, counted] of sum) addHour(columns, 'sum', hour, counted)
  return Object.keys(columns).length > 0 ? [increment(usageDays, id, columns, {}, create)] : []
}

function memberWrites({ place: { id: placeId, ...create }, meter, hours }: Feeding): Write[] {
  const uses = new Map<string, HourColumns>()
  for (const [hour, changes] of hours) {
    const counts = new Map<string, bigint>()
    for (const { event, sign } of changes) {
      for (const member of new Set(fieldValues(event, meter.field)))
        counts.set(member, (counts.get(member) ?? 0n) + sign)
    }
    for (const [member, count] of counts)
      addHour(
        foundOrMade(uses, member, () => ({})),
        'unique',
        hour,
        { count, sum: 0n },
      )
  }
  return [...uses]
    .filter(([, columns]) => Object.keys(columns).length > 0)
    .map(([member, columns]) => {
      const id = hash('sha256', JSON.stringify([placeId, member]), 'base64url')
      return increment(usageMembers, id, columns, {}, { ...create, member })
    })
}
