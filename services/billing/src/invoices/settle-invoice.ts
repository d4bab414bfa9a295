import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { invoices } from './collections.ts'

/**
 * The write that counts a payment (or, negative, a refund) towards an invoice and moves it to `paid` when nothing is
 * left. The journal of the money is the payment's own.
 */
export async function settleInvoice(
  { store }: Pick<Deps, 'store'>,
  { tenant, invoice: id, amount, at }: { tenant: string; invoice: string; amount: bigint; at: Date },
): Promise<Write[]> {
  const found = await store.get(invoices, id)
  if (!found || found.tenant !== tenant) throw new Error(`The invoice ${id} is not there`)
  const { version, nextAttemptAt, ...invoice } = found
  if (amount < 0n) {
    return [replace(invoices, { ...found, amountRefunded: found.amountRefunded - amount }, version)]
  }
  const amountPaid = invoice.amountPaid + amount
  if (amountPaid < invoice.amountDue) {
    return [replace(invoices, { ...invoice, ...(nextAttemptAt && { nextAttemptAt }), amountPaid }, version)]
  }
  return [replace(invoices, { ...invoice, amountPaid, status: 'paid', paidAt: at }, version)]
}
