import type { Stored } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { carryOut, lookAgain } from './ask-provider.ts'
import { intend } from './change-payment.ts'
import { payments } from './collections.ts'
import type { Payment } from './payment-machine.ts'

// A buyer who has not authenticated a payment by then will not; what the provider keeps open is let go.
const abandonedMs = 24 * 3_600_000

/** Looks up, and carries out, what a crash or a silent provider has left. Gives how many payments it looked at. */
export async function resolvePayments(deps: Deps, batch = 50): Promise<number> {
  const { items } = await deps.store.find(payments.unresolved, {
    equals: [],
    range: { upTo: deps.now() },
    order: 'asc',
    limit: batch,
  })
  for (const payment of items) {
    try {
      await resolve(deps, payment)
    } catch (error) {
      warn(deps, payment, error)
      // One payment that cannot be dealt with holds up no other.
      if (payment.intent)
        await lookAgain(deps, payment, payment.intent).catch((twice) => warn(deps, payment, twice))
    }
  }
  return items.length
}

async function resolve(deps: Deps, payment: Stored<Payment>): Promise<void> {
  const { status, intent } = await carryOut(deps, payment, { askedBefore: true })
  if (status !== 'requires_action' || !intent) return
  if (deps.now().getTime() - intent.since.getTime() < abandonedMs) return
  const stored = await deps.store.get(payments, payment.id)
  if (stored?.status === 'requires_action' && stored.provider === deps.provider.name)
    await intend(deps, stored, { action: 'void', amount: stored.amount })
}

/** Lets go of holds whose time is over, by the time that holds for their customers. */
export async function expireHolds(deps: Deps, at: Date, batch = 100): Promise<number> {
  let expired = 0
  let after: string | undefined
  do {
    const page = await deps.store.find(payments.expiring, {
      equals: ['authorized'],
      range: { upTo: at },
      order: 'asc',
      limit: batch,
      after,
    })
    for (const payment of page.items) if (await expire(deps, payment)) expired++
    after = page.next
  } while (after !== undefined && expired < batch)
  return expired
}

async function expire(deps: Deps, payment: Stored<Payment>): Promise<boolean> {
  const customer = await deps.store.get(customers, payment.customer)
  const now = await timeOf(deps, customer ?? {})
  if (payment.expiresAt === undefined || payment.expiresAt > now) return false
  if (payment.provider !== deps.provider.name) return false
  try {
    await intend(deps, payment, { action: 'void', amount: payment.amount })
  } catch (error) {
    warn(deps, payment, error)
  }
  return true
}

function warn(deps: Deps, { id }: Payment, error: unknown): void {
  deps.log.warn({ payment: id, err: error }, 'a payment could not be resolved and is tried again')
}
