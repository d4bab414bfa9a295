import { Fault } from '@tallystick/protocol'
import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { stillOwed } from '../invoices/settle-invoice.ts'
import { collectInvoice } from './collect-invoice.ts'
import { bookFailure } from './run-dunning.ts'

/**
 * Collects an invoice out of turn, as it stands afterwards; what was paid stays paid. A failure is booked as one of
 * the schedule's would be, save that it uses up no retry. Throws Fault `invalid_state` where nothing can be taken.
 */
export async function payNow(deps: Deps, invoice: Stored<StoredInvoice>): Promise<StoredInvoice> {
  if (invoice.status === 'paid') return invoice
  if (stillOwed(invoice) === 0n) {
    throw new Fault('invalid_state', { detail: `The invoice is ${invoice.status}: nothing is due` })
  }
  const collected = await collectInvoice(deps, invoice.id)
  if (collected.outcome === 'busy') {
    const { id, status } = collected.payment
    throw new Fault('invalid_state', {
      detail: `The payment ${id} for it is ${status}; capture or void it first`,
    })
  }
  if (collected.outcome === 'no_method') {
    throw new Fault('invalid_state', {
      detail: 'The customer has no payment method; add one with payment_method',
    })
  }
  const customer = await deps.store.get(customers, invoice.customer)
  await bookFailure(deps, invoice.id, collected, await timeOf(deps, customer ?? {}))
  return (await deps.store.get(invoices, invoice.id)) ?? invoice
}
