import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { findCustomer } from '../customers/find-customer.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { subscriptions } from './collections.ts'

/** A subscription as it is stored, without its version. */
export type Subscription = z.infer<typeof subscriptions.schema>
/** A price within a subscription. */
export type Item = Subscription['items'][number]

/** The subscription that the caller may see, with its customer, or Fault `not_found`. */
export async function findSubscription(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  id: string,
): Promise<{ subscription: Stored<Subscription>; customer: Customer }> {
  const subscription = await deps.store.get(subscriptions, id)
  if (!subscription || subscription.tenant !== caller.tenant) throw new Fault('not_found')
  return { subscription, customer: await findCustomer(deps, caller, subscription.customer) }
}
