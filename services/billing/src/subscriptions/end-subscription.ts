import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { onlyOne, planGroup } from './bill-group.ts'
import { subscriptions } from './collections.ts'
import type { Subscription } from './find-subscription.ts'
import { requireClosed, requireLive, requireMayEnd, told, wrongState } from './subscription-state.ts'

interface Found {
  subscription: Stored<Subscription>
  customer: Customer
}

/**
 * Ends a subscription: at the end of its period, or now. Now means that the period is closed at once: usage so far is
 * charged, and what was charged ahead is given back for the rest.
 */
export async function cancelSubscription(
  deps: Deps,
  caller: Caller,
  { subscription: { version, ...subscription }, customer }: Found,
  when: 'now' | 'period_end',
): Promise<Plan<Subscription>> {
  requireMayEnd(caller, subscription)
  if (subscription.status === 'canceled') throw wrongState(subscription.status, 'canceled')
  const at = await timeOf(deps, customer)
  if (when === 'now' || subscription.status === 'paused' || subscription.status === 'scheduled') {
    const { period } = subscription
    const ending = subscription.status === 'paused' ? { start: at, end: at } : period
    return closeNow(deps, { ...subscription, period: ending, cancelAt: at }, { version, at, caller })
  }
  requireClosed(subscription, at)
  const { pendingChange: _, ...kept } = subscription
  const { auditId, write } = told(deps, caller, 'subscription.updated', subscription)
  const after: Subscription = { ...kept, cancelAt: kept.period.end, updatedAt: at, auditId }
  return { writes: [replace(subscriptions, after, version), write], answer: after }
}

/** Stops a subscription until it is resumed: its period is closed now, as when it is canceled. */
export async function pauseSubscription(
  deps: Deps,
  caller: Caller,
  { subscription: { version, ...subscription }, customer }: Found,
): Promise<Plan<Subscription>> {
  requireMayEnd(caller, subscription)
  requireLive(subscription, 'paused')
  if (subscription.status === 'scheduled' || subscription.status === 'trialing') {
    throw wrongState(subscription.status, 'paused')
  }
  const at = await timeOf(deps, customer)
  return closeNow(deps, { ...subscription, pausedAt: at }, { version, at, caller })
}

/** Takes a paused subscription up again with a new period, or keeps one that was to end with its period. */
export async function resumeSubscription(
  deps: Deps,
  caller: Caller,
  { subscription: { version, ...subscription }, customer }: Found,
): Promise<Plan<Subscription>> {
  const at = await timeOf(deps, customer)
  const { pausedAt: _, cancelAt, ...kept } = subscription
  if (subscription.status === 'paused') {
    if (subscription.suspendedAt) {
      throw new Fault('invalid_state', { detail: 'An invoice of it was not paid: collect that first' })
    }
    const begun = { ...kept, period: { start: at, end: at } }
    const terms = { at, prices: new Map(), actor: caller.account }
    return onlyOne(await planGroup(deps, [{ subscription: begun, version }], terms))
  }
  if (subscription.status === 'canceled' || cancelAt === undefined)
    throw wrongState(subscription.status, 'resumed')
  const { auditId, write } = told(deps, caller, 'subscription.updated', subscription)
  const after: Subscription = { ...kept, updatedAt: at, auditId }
  return { writes: [replace(subscriptions, after, version), write], answer: after }
}

/** Cuts the open period short and closes it in the same commit; what was charged ahead goes back for the rest. */
async function closeNow(
  deps: Deps,
  subscription: Subscription,
  { version, at, caller }: { version: number; at: Date; caller: Caller },
): Promise<Plan<Subscription>> {
  requireClosed(subscription, at)
  const terms = { at, prices: new Map(), actor: caller.account }
  return onlyOne(await planGroup(deps, [{ subscription, version, cutAt: at }], terms))
}
