import type { Meter, UsageDay, UsageEvent } from './collections.ts'
import type { Counted } from './hour-columns.ts'

/** An event that begins to count, or (`sign` −1) ceases to count as it stands. */
export interface Change {
  event: UsageEvent
  sign: 1n | -1n
}

/** Where meters keep what they take in. */
export type Place = Pick<
  UsageDay,
  'id' | 'tenant' | 'series' | 'kind' | 'holder' | 'customer' | 'day' | 'group'
>

/** What a place of a unique, max or last meter takes in, by hour of its day. */
export interface Feeding {
  place: Place
  meter: Meter
  hours: Map<number, Change[]>
}

/** What a place of a count, a sum, or one of each takes in, by hour of its day. */
export interface DayFeeding {
  place: Place
  count: Map<number, Counted>
  sum: Map<number, Counted>
}
