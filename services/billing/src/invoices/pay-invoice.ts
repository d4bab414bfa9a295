import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { liftDelinquency } from '../dunning/lift-delinquency.ts'
import { invoices } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { invoiceEvent } from './invoice-event.ts'

/**
 * The writes by which nothing more is owed on an invoice: it is paid, in whatever way. Its collection ends, and a
 * customer who owes nothing else is delinquent no more.
 */
export async function payInvoice(
  deps: Deps,
  { invoice: owing, version, at }: { invoice: StoredInvoice; version: number; at: Date },
): Promise<{ writes: Write[]; invoice: StoredInvoice }> {
  const { nextAttemptAt: _, ...invoice } = owing
  const { auditId, write } = invoiceEvent(deps, 'invoice.paid', invoice.customer, invoice)
  const paid: StoredInvoice = { ...invoice, status: 'paid', paidAt: at, auditId }
  return {
    writes: [replace(invoices, paid, version), write, ...(await liftDelinquency(deps, owing))],
    invoice: paid,
  }
}
