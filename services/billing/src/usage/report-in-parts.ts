import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import { StorageError } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { commitReport } from './commit-report.ts'
import { viewReport } from './report-usage.ts'
import type { reportUsage } from './report-usage.ts'
import type { ReportInput } from './usage-schemas.ts'

type View = Awaited<ReturnType<typeof reportUsage>>['answer']

/**
 * Makes a report in one commit; where it touches more figures than a commit may write, in halves, each whole for its
 * events. Throws Fault `payload_too_large` for an event that is too much by itself.
 */
export async function inParts(
  deps: Deps,
  caller: Caller,
  { events }: ReportInput,
  report: () => Promise<View>,
): Promise<View> {
  try {
    return await report()
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'TooLarge')) throw error
    if (events.length === 1)
      throw new Fault('payload_too_large', { detail: 'One event touches too many figures', cause: error })
    const middle = Math.ceil(events.length / 2)
    const data: View['data'] = []
    for (const half of [events.slice(0, middle), events.slice(middle)]) {
      const part = { events: half, alone: false }
      const answer = await inParts(deps, caller, part, () => commitReport(deps, caller, half))
      data.push(...answer.data)
    }
    return viewReport(deps, data)
  }
}
