import { hash } from 'node:crypto'
import { derivedId, Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { findCustomer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { invoices } from './collections.ts'

/** An invoice as it is stored, without its version. */
export type StoredInvoice = z.infer<typeof invoices.schema>

/** The invoice that the caller may see, or Fault `not_found`. */
export async function findInvoice(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  id: string,
): Promise<Stored<StoredInvoice>> {
  const invoice = await deps.store.get(invoices, id)
  if (!invoice || invoice.tenant !== caller.tenant) throw new Fault('not_found')
  await findCustomer(deps, caller, invoice.customer)
  return invoice
}

/**
 * The id of the invoice for what a subscription's `closing`-th closing (from 0), of the period that ends at `boundary`,
 * brings: a billing run that is repeated finds the same one.
 */
export function invoiceIdOf(tenant: string, subscription: string, boundary: Date, closing: number): string {
  const name = JSON.stringify([tenant, subscription, boundary.toISOString(), closing])
  return derivedId('invoice', hash('sha256', name))
}
