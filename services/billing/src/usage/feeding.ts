import type { Meter, UsageDay, UsageEvent } from './collections.ts'

/** An event that begins to count, or (`sign` −1) ceases to count as it stands. */
export interface Change {
  event: UsageEvent
  sign: 1n | -1n
}

/** Where a meter keeps what it takes in. */
export type Place = Pick<
  UsageDay,
  'id' | 'tenant' | 'series' | 'kind' | 'holder' | 'customer' | 'day' | 'group'
>

/** What a place takes in, by hour of its day. */
export interface Feeding {
  place: Place
  meter: Meter
  hours: Map<number, Fed[]>
}

/** A change with its quantity × 10¹², which many places add. */
export interface Fed extends Change {
  scaled: bigint
}
