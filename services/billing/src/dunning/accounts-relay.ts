import { outboxEvent, relay } from '@tallystick/runtime'
import type { Loop, RelayOptions } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import { z } from 'zod'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import type { AccountsLink } from '../links.ts'

const stream = 'accounts'
const change = z.strictObject({ customer: z.string() })

/** The write that promises that a customer's keys will follow whether the customer is suspended. */
export function keysFollow(
  deps: Pick<Deps, 'newId' | 'now'>,
  { tenant, id: customer }: { tenant: string; id: string },
): Write {
  const event = { id: deps.newId('event'), tenant, at: deps.now(), data: { customer } }
  return outboxEvent({ ...event, type: 'customer.keys', stream })
}

/**
 * Suspends and reactivates keys at the identity service; at least once. Each event is carried out as the customer
 * stands by then, so that events that arrive late, again or in another order leave the keys as they should be.
 */
export function accountsRelay({
  accounts,
  ...options
}: Omit<RelayOptions, 'deliver' | 'stream'> & { accounts: AccountsLink }): Loop {
  return relay({
    ...options,
    stream,
    async deliver(events) {
      for (const { tenant, data } of events) {
        const customer = await options.store.get(customers, change.parse(data).customer)
        if (!customer) continue
        const { reference, suspended } = customer
        if (suspended) await accounts.suspend(tenant, reference, 'An invoice was not paid')
        else await accounts.reactivate(tenant, reference, 'Nothing is past due any more')
      }
    },
  })
}
