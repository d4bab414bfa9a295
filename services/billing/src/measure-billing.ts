import type { BillingMetrics } from './billing-metrics.ts'
import type { Deps } from './deps.ts'
import { payments } from './payments/collections.ts'
import { subscriptions } from './subscriptions/collections.ts'

const most = 1000
const actions = ['authorize', 'capture', 'void', 'refund'] as const

/** Measures what waits for a person: subscriptions that cannot be charged, payments whose outcome nobody knows. */
export async function measureBilling(
  { store, now }: Pick<Deps, 'store' | 'now'>,
  measures: Omit<BillingMetrics, 'events'>,
): Promise<void> {
  const at = now()
  // What follows a test clock is nobody's trouble.
  const failing: Date[] = []
  for await (const { failure } of store.scan(subscriptions.failing, { equals: [''] })) {
    if (failure) failing.push(failure.since)
    if (failing.length === most) break
  }
  measures.failingSubscriptions.set(failing.length)
  measures.failingOldestSeconds.set(oldestSeconds(failing, at))
  const asked: { action: string; since: Date }[] = []
  for await (const { intent, status } of store.scan(payments.unresolved, { equals: [] })) {
    // There it is known what is missing: the buyer's word.
    if (intent && status !== 'requires_action') asked.push(intent)
    if (asked.length === most) break
  }
  for (const action of actions) {
    const since = asked.filter((one) => one.action === action).map((one) => one.since)
    measures.unresolvedPayments.set({ action }, since.length)
    measures.unresolvedOldestSeconds.set({ action }, oldestSeconds(since, at))
  }
}

function oldestSeconds(times: readonly Date[], at: Date): number {
  const oldest = times.reduce((least, time) => Math.min(least, time.getTime()), at.getTime())
  return (at.getTime() - oldest) / 1000
}
