import type { Meter } from './collections.ts'

/** What usage is read: of a meter, between the first and the last of `cuts`, told for each piece between two. */
export interface UsageQuestion {
  tenant: string
  meter: Meter
  /** All customers of the tenant where absent. */
  customer?: string | undefined
  apiKey?: string | undefined
  license?: string | undefined
  /** Ascending. */
  cuts: readonly Date[]
  /** Some of the meter's group-by fields. */
  groupBy: readonly string[]
}
