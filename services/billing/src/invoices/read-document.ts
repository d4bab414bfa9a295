import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { payments } from '../payments/collections.ts'
import { buyerOf } from './buyer-of.ts'
import { creditNotes } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { invoiceDocument } from './invoice-document.ts'
import type { InvoiceDocument } from './invoice-document.ts'

/** What an invoice shows, with its payments and credit notes. A draft names its parties as they are now. */
export async function readDocument(
  deps: Pick<Deps, 'store' | 'seller'>,
  invoice: StoredInvoice,
): Promise<InvoiceDocument> {
  const query = { equals: [invoice.tenant, invoice.id], order: 'asc' as const, limit: 100 }
  const paid = await deps.store.find(payments.byInvoice, query)
  const notes = await deps.store.find(creditNotes.byInvoice, query)
  const customer = await deps.store.get(customers, invoice.customer)
  return invoiceDocument(invoice, {
    seller: invoice.seller ?? deps.seller,
    buyer: invoice.buyer ?? (customer ? buyerOf(customer) : { name: invoice.customer, address: [] }),
    payments: paid.items,
    creditNotes: notes.items,
  })
}
