import { PricingError } from '@tallystick/pricing'
import { Fault } from '@tallystick/protocol'
import { replace } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { subscriptions } from './collections.ts'
import type { Subscription } from './find-subscription.ts'
import { told } from './subscription-state.ts'

type Failure = NonNullable<Subscription['failure']>

const minuteMs = 60_000
const longestMs = 24 * 60 * minuteMs

/**
 * Notes why the period of a subscription that is due at `at` could not be closed, and when a run tries again: after 5, 10,
 * 20 … minutes, at last once a day. The first failure, and each for another reason, is an event and is logged.
 */
export async function recordBillingFailure(deps: Deps, id: string, error: unknown, at: Date): Promise<void> {
  const isNews = await deps.store.attempt(async () => {
    const found = await deps.store.get(subscriptions, id)
    // Closed meanwhile, or noted already.
    if (found?.dueAt === undefined || found.dueAt > at) return false
    const { version, ...before } = found
    const { code, message } = reasonOf(error)
    const attempts = (before.failure?.attempts ?? 0) + 1
    const failure: Failure = { code, message, since: before.failure?.since ?? at, attempts }
    const failing: Subscription = { ...before, failure, dueAt: new Date(at.getTime() + waitMs(attempts)) }
    if (before.failure?.message === message) {
      await deps.store.commit([replace(subscriptions, failing, version)])
      return false
    }
    const actor = { account: before.customer }
    const { auditId, write } = told(deps, actor, 'subscription.billing_failed', failing, { code })
    await deps.store.commit([
      replace(subscriptions, { ...failing, updatedAt: deps.now(), auditId }, version),
      write,
    ])
    return true
  })
  if (isNews)
    deps.log.error({ subscription: id, err: error }, 'a subscription could not be billed; it stays due')
}

function waitMs(attempts: number): number {
  return Math.min(5 * minuteMs * 2 ** Math.min(attempts - 1, 20), longestMs)
}

/** What may be told of an error: messages that name values of the marketplace's own; nothing of what broke inside. */
function reasonOf(error: unknown): Pick<Failure, 'code' | 'message'> {
  if (error instanceof PricingError) return { code: error.code, message: error.message }
  if (error instanceof Fault) return { code: error.code, message: error.detail }
  return { code: 'internal', message: 'It failed unexpectedly; the log of the service tells how' }
}
