import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { testClocks } from './collections.ts'

/** A test clock as it is stored. */
export type TestClock = z.infer<typeof testClocks.schema>

/**
 * Something that happens at moments of its own for the customers of a test clock. An advance stops at each moment, sets
 * the clock to it and has everything that is due by then done.
 */
export interface ClockWork {
  name: string
  /** The first moment after `clock.now` at which something falls due; undefined when nothing will. */
  nextDue(deps: Deps, clock: TestClock): Promise<Date | undefined>
  /** Does what is due at `at` or before, and says how much it did. Must be repeatable: it is called again after a crash. */
  run(deps: Deps, clock: TestClock, at: Date): Promise<number>
}
