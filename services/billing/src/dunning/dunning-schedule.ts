import type { StoredInvoice } from '../invoices/find-invoice.ts'

type Dunning = NonNullable<StoredInvoice['dunning']>

const dayMs = 86_400_000
const retryDays: readonly number[] = [3, 5, 7, 10]
const graceDays = 7

/**
 * Where collection stands after an attempt at `at` took nothing. Retries come 3, 5, 7 and 10 days after the first
 * failure; after the last of them, or after a decline that no retry can mend (`hard`), 7 days of grace begin. An
 * attempt out of turn (not `scheduled`) uses up no retry. Pure.
 */
export function afterFailure(
  before: Dunning | undefined,
  { at, hard, scheduled }: { at: Date; hard: boolean; scheduled: boolean },
): Dunning {
  const { since, retries, suspended, graceEndsAt } = before ?? { since: at, retries: 0, suspended: false }
  const made = before && scheduled && graceEndsAt === undefined ? retries + 1 : retries
  const dunning = { since, retries: made, suspended }
  if (graceEndsAt !== undefined) return { ...dunning, graceEndsAt }
  if (!hard && made < retryDays.length) return dunning
  return { ...dunning, graceEndsAt: daysAfter(at, graceDays) }
}

/** When the next step is due; undefined once the customer is suspended. Never before `at`, however late that is. */
export function nextStepAt({ since, retries, graceEndsAt, suspended }: Dunning, at: Date): Date | undefined {
  if (suspended) return undefined
  if (graceEndsAt !== undefined) return graceEndsAt
  const planned = daysAfter(since, retryDays[retries] ?? 0)
  return planned > at ? planned : daysAfter(at, 1)
}

function daysAfter(at: Date, days: number): Date {
  return new Date(at.getTime() + days * dayMs)
}
