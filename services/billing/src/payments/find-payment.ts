import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import { findCustomer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { payments } from './collections.ts'
import type { Payment } from './payment-machine.ts'

/** The payment that the caller may see, or Fault `not_found`. */
export async function findPayment(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  id: string,
): Promise<Stored<Payment>> {
  const payment = await deps.store.get(payments, id)
  if (!payment || payment.tenant !== caller.tenant) throw new Fault('not_found')
  await findCustomer(deps, caller, payment.customer)
  return payment
}
