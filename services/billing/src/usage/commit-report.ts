import type { Caller } from '@tallystick/runtime'
import type { Deps } from '../deps.ts'
import { againAfterDuplicate } from './again-after-duplicate.ts'
import { reportUsage } from './report-usage.ts'
import type { ReportInput } from './usage-schemas.ts'

/** Makes a report outside of a request's own commit; its event ids keep it from being made twice. */
export async function commitReport(
  deps: Deps,
  caller: Caller,
  events: ReportInput['events'],
): Promise<Awaited<ReturnType<typeof reportUsage>>['answer']> {
  return againAfterDuplicate(() =>
    deps.store.attempt(async () => {
      const { writes, answer } = await reportUsage(deps, caller, { events, alone: false })
      if (writes.length > 0) await deps.store.commit([...writes])
      return answer
    }),
  )
}
