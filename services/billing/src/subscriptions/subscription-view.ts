import { toWire } from '@tallystick/money'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Subscription } from './find-subscription.ts'
import type { subscriptionView } from './subscription-schemas.ts'

/** A subscription as the API tells it. */
export function viewSubscription(
  { livemode }: Pick<Deps, 'livemode'>,
  subscription: Subscription,
): z.infer<typeof subscriptionView> {
  const { id, customer, plan, licenses, currency, status, interval, metadata, pendingChange } = subscription
  const { start, end } = subscription.period
  return {
    object: 'subscription',
    id,
    livemode,
    customer,
    ...(plan !== undefined && { plan }),
    licenses,
    currency,
    status,
    items: subscription.items.filter(({ until }) => until === undefined).map(viewItem),
    interval,
    interval_count: subscription.intervalCount,
    anchor_day: subscription.anchorDay,
    time_zone: subscription.timeZone,
    start: subscription.start.toISOString(),
    ...(start < end && { period: viewPeriod(subscription.period) }),
    ...(subscription.trialEnd && { trial_end: subscription.trialEnd.toISOString() }),
    ...(subscription.cancelAt && { cancel_at: subscription.cancelAt.toISOString() }),
    ...(subscription.canceledAt && { canceled_at: subscription.canceledAt.toISOString() }),
    ...(subscription.pausedAt && { paused_at: subscription.pausedAt.toISOString() }),
    ...(subscription.pastDueSince && { past_due_since: subscription.pastDueSince.toISOString() }),
    ...(subscription.suspendedAt && { suspended_at: subscription.suspendedAt.toISOString() }),
    ...viewFailure(subscription),
    ...(pendingChange && {
      pending_change: {
        ...(pendingChange.plan !== undefined && { plan: pendingChange.plan }),
        items: pendingChange.items,
      },
    }),
    pending_lines: subscription.pendingLines.map(({ description, quantity, amount, period }) => ({
      description,
      quantity,
      amount: toWire({ amount, currency }),
      period: viewPeriod(period),
    })),
    metadata,
    created_at: subscription.createdAt.toISOString(),
    audit_id: subscription.auditId,
  }
}

function viewFailure({ failure, dueAt }: Subscription) {
  if (!failure || !dueAt) return {}
  const { since, ...told } = failure
  return {
    billing_failure: { ...told, since: since.toISOString(), retry_at: dueAt.toISOString() },
  }
}

function viewItem({ id, price, license, quantity }: Subscription['items'][number]) {
  return { id, price, ...(license !== undefined && { license }), quantity }
}

function viewPeriod({ start, end }: Subscription['period']) {
  return { start: start.toISOString(), end: end.toISOString() }
}
