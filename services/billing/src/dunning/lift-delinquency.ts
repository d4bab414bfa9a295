import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { invoiceEvent } from '../invoices/invoice-event.ts'
import { becomeActive } from '../subscriptions/standing.ts'
import { keysFollow } from './accounts-relay.ts'
import { dunningLetter } from './dunning-letter.ts'

/**
 * The writes that follow for the customer when `invoice` is past due no more: who owes nothing else is no longer
 * delinquent, and whose keys were suspended gets them back; a subscription none of whose invoices is past due is active
 * again. `forgiven` (the invoice was given up, not paid) lifts no
 * suspension.
 */
export async function liftDelinquency(
  deps: Deps,
  invoice: StoredInvoice,
  { forgiven = false }: { forgiven?: boolean } = {},
): Promise<Write[]> {
  if (invoice.status !== 'past_due' && invoice.status !== 'uncollectible') return []
  // Read before the other invoices, and written in any case: of two invoices that end at once the second sees the first.
  const found = await deps.store.get(customers, invoice.customer)
  if (!found) return []
  const { version, ...customer } = found
  const equals = [invoice.tenant, invoice.customer]
  const { items } = await deps.store.find(invoices.pastDue, { equals, limit: 2 })
  const owesMore = items.some(({ id }) => id !== invoice.id)
  if (forgiven && customer.suspended) return [replace(customers, customer, version)]
  const reactivated = await becomeActive(deps, invoice)
  if (owesMore) return [replace(customers, customer, version), ...reactivated]
  const { delinquentSince: _, ...lifted } = customer
  const writes = [replace(customers, { ...lifted, suspended: false }, version), ...reactivated]
  if (!customer.suspended) return writes
  return [
    ...writes,
    keysFollow(deps, customer),
    invoiceEvent(deps, 'dunning.reactivated', 'system', invoice).write,
    ...dunningLetter(deps, customer, invoice, { kind: 'reactivated' }),
  ]
}
