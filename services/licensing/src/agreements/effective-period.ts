/** When an agreement holds: `[from, until)`, or for ever from `from` on. */
export interface Period {
  from: Date
  until?: Date | undefined
}

/** What is known of a period before the agreement is accepted. */
export interface PeriodTerms {
  from?: Date | undefined
  until?: Date | undefined
  durationDays?: number | undefined
}

const dayMs = 86_400_000

/** `days` days of 24 hours after `from`: in UTC, the same time of day. */
export function addDays(from: Date, days: number): Date {
  return new Date(from.getTime() + days * dayMs)
}

/** The period of an agreement that is accepted at `acceptedAt`: it begins then unless its terms say when. */
export function effectivePeriod({ from, until, durationDays }: PeriodTerms, acceptedAt: Date): Period {
  const start = from ?? acceptedAt
  if (until !== undefined) return { from: start, until }
  return durationDays === undefined ? { from: start } : { from: start, until: addDays(start, durationDays) }
}

/** What is wrong with the period of an agreement: which field, and why; undefined when nothing is. */
export function checkPeriod(
  { from, until, durationDays }: PeriodTerms,
  at: Date,
): { field: 'effective_from' | 'effective_until'; message: string } | undefined {
  if (until === undefined) {
    if (from === undefined || durationDays === undefined || addDays(from, durationDays) > at) return undefined
    return { field: 'effective_from', message: 'with duration_days must end in the future' }
  }
  if (from !== undefined && until <= from) {
    return { field: 'effective_until', message: 'must be after effective_from' }
  }
  if (until <= at) return { field: 'effective_until', message: 'must be in the future' }
  if (durationDays === undefined) return undefined
  if (from === undefined) {
    return {
      field: 'effective_until',
      message: 'cannot be given with duration_days and without effective_from',
    }
  }
  if (addDays(from, durationDays).getTime() !== until.getTime()) {
    return { field: 'effective_until', message: 'is not effective_from and duration_days' }
  }
  return undefined
}
