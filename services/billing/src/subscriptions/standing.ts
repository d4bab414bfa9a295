import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { subscriptions } from './collections.ts'
import type { Subscription } from './find-subscription.ts'
import { told } from './subscription-state.ts'

/** What a subscription is while a period of it is open and charged, by how its invoices stand. */
export function liveStatus({
  pastDueSince,
  suspendedAt,
}: Pick<Subscription, 'pastDueSince' | 'suspendedAt'>): 'active' | 'past_due' | 'suspended' {
  if (suspendedAt) return 'suspended'
  return pastDueSince ? 'past_due' : 'active'
}

/** Whether a period of it is open and charged. */
export function isLive({ status }: Pick<Subscription, 'status'>): boolean {
  return status === 'active' || status === 'past_due' || status === 'suspended'
}

/** The writes by which the subscription of an invoice that could not be collected is past due from `at` on. */
export async function becomePastDue(
  deps: Pick<Deps, 'store' | 'now' | 'newId'>,
  invoice: StoredInvoice,
  at: Date,
): Promise<Write[]> {
  return changeStanding(deps, invoice, 'subscription.past_due', (before) =>
    before.pastDueSince ? undefined : { ...before, pastDueSince: at },
  )
}

/** The writes by which the subscription of an invoice is suspended, since its grace is over. */
export async function becomeSuspended(
  deps: Pick<Deps, 'store' | 'now' | 'newId'>,
  invoice: StoredInvoice,
  at: Date,
): Promise<Write[]> {
  return changeStanding(deps, invoice, 'subscription.suspended', (before) =>
    before.suspendedAt ? undefined : { ...before, pastDueSince: before.pastDueSince ?? at, suspendedAt: at },
  )
}

/** The writes by which the subscription of an invoice that is past due no more is active again, unless another one is. */
export async function becomeActive(
  deps: Pick<Deps, 'store' | 'now' | 'newId'>,
  invoice: StoredInvoice,
): Promise<Write[]> {
  return changeStanding(deps, invoice, 'subscription.reactivated', async (before) => {
    const equals = [invoice.tenant, invoice.customer]
    for await (const { id, subscription } of deps.store.scan(invoices.pastDue, { equals }))
      if (subscription === before.id && id !== invoice.id) return undefined
    const { pastDueSince: _, suspendedAt: _at, ...active } = before
    return active
  })
}

/**
 * Writes the subscription in any case: of two invoices that end at once, the second must see what came of the first.
 * What has ended stays as it is.
 */
async function changeStanding(
  deps: Pick<Deps, 'store' | 'now' | 'newId'>,
  { subscription: id, customer }: StoredInvoice,
  kind: string,
  change: (before: Subscription) => Promise<Subscription | undefined> | Subscription | undefined,
): Promise<Write[]> {
  const found = id === undefined ? undefined : await deps.store.get(subscriptions, id)
  if (!found || found.status === 'canceled') return []
  const { version, ...before } = found
  const changed = await change(before)
  if (!changed) return [replace(subscriptions, before, version)]
  const status = isLive(before) ? liveStatus(changed) : before.status
  const after: Subscription = { ...changed, status }
  const { auditId, write } = told(deps, { account: customer }, kind, after)
  return [replace(subscriptions, { ...after, updatedAt: deps.now(), auditId }, version), write]
}
