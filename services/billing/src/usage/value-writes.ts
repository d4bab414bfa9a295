import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { usageValues } from './collections.ts'
import type { HourValue, Meter, UsageEvent, UsageValues } from './collections.ts'
import { groupOf, isCounted } from './event-fields.ts'
import type { Change, Feeding } from './feeding.ts'
import { eventsBetween } from './hour-events.ts'
import { toScaled } from './scaled.ts'
import { hourMs } from './time-pieces.ts'

type Value = Omit<HourValue, 'hour'>

/** The writes by which the places of max and last meters take in what changes. */
export async function valueWrites(deps: Pick<Deps, 'store'>, feedings: readonly Feeding[]): Promise<Write[]> {
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
  stored: Stored<UsageValues> | undefined,
): Promise<Write> {
  const { place, meter } = feeding
  const values = new Map<number, Value>(stored?.hours.map(({ hour, ...value }) => [hour, value]))
  for (const [hour, changes] of feeding.hours) {
    const begin = changes.filter(({ sign }) => sign === 1n).map(({ event }) => event)
    const shrinks = begin.length < changes.length
    const events = shrinks ? [...(await remaining(deps, feeding, { hour, changes })), ...begin] : begin
    let best = shrinks ? undefined : values.get(hour)
    for (const event of events) best = better(meter, best, event)
    if (best) values.set(hour, best)
    else values.delete(hour)
  }
  const hours = [...values].map(([hour, value]) => ({ hour, ...value })).sort((a, b) => a.hour - b.hour)
  const document: UsageValues = { ...place, hours }
  return stored ? replace(usageValues, document, stored.version) : insert(usageValues, document)
}

/** The events of an hour of the place that still count. */
async function remaining(
  deps: Pick<Deps, 'store'>,
  { place: { tenant, kind, holder, customer, day, group }, meter }: Feeding,
  { hour, changes }: { hour: number; changes: readonly Change[] },
): Promise<UsageEvent[]> {
  const gone = new Set(changes.map(({ event }) => event.id))
  const from = new Date(day.getTime() + hour * hourMs)
  const before = new Date(from.getTime() + hourMs)
  const of = {
    tenant,
    customer,
    ...(kind === 'license' && { license: holder }),
    ...(kind === 'key' && { apiKey: holder }),
  }
  const events = await eventsBetween(deps, of, { from, before })
  const isHere = (event: UsageEvent) => groupOf(meter, event).every((value, at) => value === group[at])
  return events.filter((event) => !gone.has(event.id) && isCounted(meter, event) && isHere(event))
}

/** The greater, or the later of two; of one moment the one that was received later, then the greater. */
function better({ aggregation }: Meter, best: Value | undefined, event: UsageEvent): Value {
  const value = event.effective ?? '0'
  const greater = best === undefined || toScaled(value) > toScaled(best.value)
  if (aggregation === 'max') return greater ? { value } : best
  const candidate = { value, at: event.occurredAt, sequence: event.receivedAt.getTime() }
  if (best === undefined) return candidate
  const order =
    event.occurredAt.getTime() - (best.at?.getTime() ?? 0) ||
    event.receivedAt.getTime() - (best.sequence ?? 0)
  return order > 0 || (order === 0 && greater) ? candidate : best
}
