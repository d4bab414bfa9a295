import { billingPeriodAt } from '@tallystick/pricing'
import { hash } from 'node:crypto'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { subscriptions } from '../subscriptions/collections.ts'
import { monthOf } from '../usage/time-buckets.ts'
import type { UsageAlert } from './collections.ts'

/** The period of an alert that a moment lies in: a month of the customer's time zone, or one of a subscription. */
export async function alertPeriod(
  { store }: Pick<Deps, 'store'>,
  alert: UsageAlert,
  customer: Pick<Customer, 'timeZone'>,
  at: Date,
): Promise<{ start: Date; end: Date }> {
  const subscription =
    alert.subscription === undefined ? undefined : await store.get(subscriptions, alert.subscription)
  if (!subscription) return monthOf(at, customer.timeZone)
  const { formerSchedules = [], anchorDay, timeZone: zone } = subscription
  const {
    anchor: start,
    interval,
    intervalCount,
  } = formerSchedules.find(({ until }) => at < until) ?? subscription
  const found = billingPeriodAt({ start, anchorDay, zone, interval, intervalCount }, at)
  // What occurred before a subscription began belongs to none of its periods.
  return found ? { start: found.start, end: found.end } : { start: new Date(0), end: start }
}

/** The id of the state of an alert in a period. */
export function stateIdOf({ id }: Pick<UsageAlert, 'id'>, { start }: { start: Date }): string {
  return hash('sha256', JSON.stringify([id, start.getTime()]), 'base64url')
}
