import { Fault } from '@tallystick/protocol'
import type { Deps } from '../deps.ts'
import { usageEvents } from './collections.ts'
import type { UsageEvent } from './collections.ts'
import { counts } from './hour-events.ts'
import { placesAsked } from './read-places.ts'
import type { UsageQuestion } from './usage-question.ts'

const mostEventsRead = 100_000

/** The field by which events are searched: what is asked for that no place of the meter holds. */
export function searchedField(question: UsageQuestion): 'api_key' | 'license' | undefined {
  if (placesAsked(question)) return undefined
  const { meter, license } = question
  return license !== undefined && !meter.groupBy.includes('license') ? 'license' : 'api_key'
}

/** The events that have what is asked for. Throws Fault `validation_failed` where they are too many to be read. */
export async function searchedEvents(
  { store }: Pick<Deps, 'store'>,
  { tenant, apiKey, license }: UsageQuestion,
  { field, from, before }: { field: 'api_key' | 'license'; from: Date; before: Date },
): Promise<UsageEvent[]> {
  const range = { from, before }
  const found =
    field === 'license'
      ? store.scan(usageEvents.byLicense, { equals: [tenant, license ?? ''], range })
      : store.scan(usageEvents.byKey, { equals: [tenant, apiKey ?? ''], range })
  const events: UsageEvent[] = []
  let read = 0
  for await (const event of found) {
    if (++read > mostEventsRead) {
      const message = `holds more than ${mostEventsRead} events of this ${field}`
      const fix = `Ask for less time, or use a meter that has ${field} in its group_by.`
      throw new Fault('validation_failed', { errors: [{ pointer: '/from', message, fix }] })
    }
    if (counts(event)) events.push(event)
  }
  return events
}
