import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Deps } from '../deps.ts'
import { commitReport } from './commit-report.ts'
import type { reportUsage } from './report-usage.ts'
import type { ReportInput } from './usage-schemas.ts'

/**
 * Makes a report; when a cap refuses it as a whole, which leaves nothing to commit, the news that the cap is reached is
 * committed on its own. If the cap has been raised in between, the report is made after all.
 */
export async function announcingCaps<T>(
  deps: Deps,
  caller: Caller,
  { events }: ReportInput,
  report: () => Promise<T>,
): Promise<T | Awaited<ReturnType<typeof reportUsage>>['answer']> {
  try {
    return await report()
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'usage_cap_reached')) throw error
    const answer = await commitReport(deps, caller, events)
    if (answer.data.every(({ id }) => id === undefined)) throw error
    return answer
  }
}
