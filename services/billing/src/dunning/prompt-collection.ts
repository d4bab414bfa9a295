import { replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import { stillOwed } from '../invoices/settle-invoice.ts'
import { paymentIdOf } from '../payments/payment-machine.ts'
import type { Payment } from '../payments/payment-machine.ts'

/** The write by which a payment that its buyer has authenticated is taken now, where collecting an invoice began it. */
export async function promptCollection(
  deps: Pick<Deps, 'store'>,
  payment: Payment,
  at: Date,
): Promise<Write[]> {
  const { tenant, id, invoice: name } = payment
  const found = name === undefined ? undefined : await deps.store.get(invoices, name)
  if (!found || found.tenant !== tenant || stillOwed(found) === 0n || found.status === 'uncollectible')
    return []
  if (paymentIdOf(tenant, `invoice:${found.id}:${found.attempts}`) !== id) return []
  const { version, ...invoice } = found
  return [replace(invoices, { ...invoice, nextAttemptAt: at }, version)]
}
