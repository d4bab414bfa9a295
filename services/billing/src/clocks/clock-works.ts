import { expireGrant } from '../credits/expire-grants.ts'
import { openGrants } from '../credits/draw-credits.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { nextDue as nextCollection, run as runCollection } from '../dunning/run-dunning.ts'
import { intend } from '../payments/change-payment.ts'
import { payments } from '../payments/collections.ts'
import { subscriptions } from '../subscriptions/collections.ts'
import { runBilling } from '../subscriptions/run-billing.ts'
import type { ClockWork, TestClock } from './clock-work.ts'

/** All that happens for the customers of a test clock, in the order in which it happens at one moment. */
export const clockWorks: readonly ClockWork[] = [
  {
    name: 'holds',
    nextDue: async (deps, clock) => earliest(await expiries(deps, clock, openHolds), clock),
    run: (deps, clock, at) =>
      expireDue(deps, clock, {
        at,
        find: openHolds,
        end: (of, payment) => intend(of, payment, { action: 'void', amount: payment.amount }),
      }),
  },
  {
    name: 'credits',
    nextDue: async (deps, clock) => earliest(await expiries(deps, clock, openGrants), clock),
    run: (deps, clock, at) =>
      expireDue(deps, clock, { at, find: openGrants, end: (of, { id }) => expireGrant(of, id) }),
  },
  {
    name: 'subscriptions',
    async nextDue({ store }, { id, now }) {
      const { items } = await store.find(subscriptions.due, { equals: [id], range: { after: now }, limit: 1 })
      return items[0]?.dueAt
    },
    run: async (deps, { id }, at) => (await runBilling(deps, { until: at, clock: id })).periods,
  },
  {
    name: 'collection',
    nextDue: nextCollection,
    run: (deps, clock, at) => runCollection(deps, clock, at),
  },
]

type Expiring = { id: string; expiresAt?: Date | undefined }
type Find<T> = (deps: Deps, tenant: string, customer: string) => Promise<T[]>

async function openHolds({ store, provider }: Deps, tenant: string, customer: string) {
  const held = []
  for await (const payment of store.scan(payments.byCustomer, { equals: [tenant, customer] })) {
    if (payment.status === 'authorized' && payment.provider === provider.name) held.push(payment)
  }
  return held
}

/** What may expire among the customers of a clock; test clocks have few. */
async function expiries<T extends Expiring>(
  deps: Deps,
  { tenant, id }: TestClock,
  find: Find<T>,
): Promise<T[]> {
  const found: T[] = []
  for await (const customer of deps.store.scan(customers.byClock, { equals: [tenant, id] })) {
    found.push(...(await find(deps, tenant, customer.id)))
  }
  return found
}

function earliest(expiring: readonly Expiring[], { now }: TestClock): Date | undefined {
  const later = expiring.flatMap(({ expiresAt }) => (expiresAt && expiresAt > now ? [expiresAt] : []))
  return later.toSorted((a, b) => a.getTime() - b.getTime())[0]
}

async function expireDue<T extends Expiring>(
  deps: Deps,
  clock: TestClock,
  { at, find, end }: { at: Date; find: Find<T>; end: (deps: Deps, one: T) => Promise<unknown> },
): Promise<number> {
  const due = (await expiries(deps, clock, find)).filter(({ expiresAt }) => expiresAt && expiresAt <= at)
  for (const one of due) {
    try {
      await end(deps, one)
    } catch (error) {
      deps.log.warn({ id: one.id, err: error }, 'something could not expire and is tried again')
    }
  }
  return due.length
}
