import { hash } from 'node:crypto'
import type { Meter, UsageEvent } from './collections.ts'
import { groupOf, keepsApart } from './event-fields.ts'
import type { Place } from './feeding.ts'
import { dayMs } from './time-pieces.ts'

// No value holds this control character.
const separator = '\u0001'

/** A place by the key that tells it from all others; `make` is for when it is not known yet. */
interface KeyedPlace {
  key: string
  make: () => Place
}

/** The places in which the meters of a series keep an event: of its customer, of its API key, of each of its licenses. */
export function placesOf(meter: Meter, event: UsageEvent): KeyedPlace[] {
  const { tenant, customer, apiKey, licenses, occurredAt } = event
  const { series } = meter
  const group = groupOf(meter, event)
  const day = Math.floor(occurredAt.getTime() / dayMs)
  const parts = [series, customer, day, ...group].join(separator)
  const places: KeyedPlace[] = []
  const add = (kind: Place['kind'], holder: string) => {
    const key = `${parts}${separator}${kind}${separator}${holder}`
    const make = () => {
      const id = hash('sha256', key, 'base64url')
      return { id, tenant, series, kind, holder, customer, day: new Date(day * dayMs), group }
    }
    places.push({ key, make })
  }
  add('customer', customer)
  if (!keepsApart(meter)) return places
  if (apiKey !== undefined) add('key', apiKey)
  for (const license of new Set(licenses)) add('license', license)
  return places
}
