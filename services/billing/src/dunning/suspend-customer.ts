import { replace } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import { invoiceEvent } from '../invoices/invoice-event.ts'
import { becomeSuspended } from '../subscriptions/standing.ts'
import { keysFollow } from './accounts-relay.ts'
import { dunningLetter } from './dunning-letter.ts'

/** Ends the grace of an invoice that is still past due at `at`: the customer's keys are suspended until it is paid. */
export async function suspendCustomer(deps: Deps, id: string, at: Date): Promise<void> {
  await deps.store.attempt(async () => {
    const found = await deps.store.get(invoices, id)
    if (found?.status !== 'past_due' || !found.dunning?.graceEndsAt || found.dunning.suspended) return
    if (found.dunning.graceEndsAt > at) return
    const { version, nextAttemptAt: _, ...invoice } = found
    const customer = await deps.store.get(customers, invoice.customer)
    if (!customer) return
    const { version: customerVersion, ...rest } = customer
    const dunning = { ...found.dunning, suspended: true }
    const { auditId, write } = invoiceEvent(deps, 'dunning.suspended', 'system', invoice)
    await deps.store.commit([
      replace(invoices, { ...invoice, dunning, auditId }, version),
      replace(customers, { ...rest, suspended: true }, customerVersion),
      write,
      ...(await becomeSuspended(deps, found, at)),
      ...(customer.suspended ? [] : [keysFollow(deps, customer)]),
      ...dunningLetter(deps, customer, invoice, { kind: 'suspended' }),
    ])
  })
}
