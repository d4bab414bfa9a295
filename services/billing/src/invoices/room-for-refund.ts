import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { invoices } from './collections.ts'
import type { StoredInvoice } from './find-invoice.ts'

/** What may still be given back of a finalized invoice, by credit notes and refunds together, in minor units. */
export function leftToGiveBack({ total, amountCredited, amountRefunded }: StoredInvoice): bigint {
  return total - amountCredited - amountRefunded
}

/**
 * How much of a payment for an invoice may be refunded, and the write that holds the room: a credit note that was
 * planned meanwhile finds another version, and then the refund that is under way.
 */
export async function roomForRefund(
  { store }: Pick<Deps, 'store'>,
  id: string,
): Promise<{ room: bigint; write: Write }> {
  const found = await store.get(invoices, id)
  if (!found) throw new Error(`The invoice ${id} is not there`)
  const { version, ...invoice } = found
  return { room: leftToGiveBack(invoice), write: replace(invoices, invoice, version) }
}
