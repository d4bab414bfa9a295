import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { carryOut } from './ask-provider.ts'
import { intend } from './change-payment.ts'
import { payments } from './collections.ts'
import type { Payment } from './payment-machine.ts'
import type { PaymentStatus } from './collections.ts'

const open: readonly PaymentStatus[] = ['authorizing', 'capturing', 'voiding', 'refunding']

// A request that is still being served holds its own intent; only what is older was left behind.
const leftBehindMs = 30_000

/** Looks up, and carries out, what a crash or a silent provider has left. Gives how many payments it looked at. */
export async function resolvePayments(deps: Deps, batch = 50): Promise<number> {
  const before = new Date(deps.now().getTime() - leftBehindMs)
  let seen = 0
  for (const status of open) {
    const { items } = await deps.store.find(payments.unresolved, {
      equals: [status],
      range: { before },
      order: 'asc',
      limit: batch,
    })
    for (const payment of items) {
      seen++
      await tolerate(deps, payment, () => carryOut(deps, payment, { askedBefore: true }))
    }
  }
  return seen
}

/** Lets go of holds whose time is over, by the time that holds for their customers. */
export async function expireHolds(deps: Deps, at: Date, batch = 100): Promise<number> {
  const { items } = await deps.store.find(payments.expiring, {
    equals: ['authorized'],
    range: { upTo: at },
    order: 'asc',
    limit: batch,
  })
  let expired = 0
  for (const payment of items) {
    const customer = await deps.store.get(customers, payment.customer)
    const now = await timeOf(deps, customer ?? {})
    if (payment.expiresAt === undefined || payment.expiresAt > now) continue
    expired++
    await tolerate(deps, payment, () => intend(deps, payment, { action: 'void', amount: payment.amount }))
  }
  return expired
}

/** One payment that cannot be dealt with holds up no other. */
async function tolerate(deps: Deps, { id }: Stored<Payment>, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    deps.log.warn({ payment: id, err: error }, 'a payment could not be resolved and is tried again')
  }
}
