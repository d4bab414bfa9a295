import { replace } from '@tallystick/storage'
import type { TestClock } from '../clocks/clock-work.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { payments } from '../payments/collections.ts'
import { attemptPaymentId, collectInvoice } from './collect-invoice.ts'
import type { Collected } from './collect-invoice.ts'
import { recordFailure } from './record-failure.ts'
import { suspendCustomer } from './suspend-customer.ts'

type OfClock = Pick<TestClock, 'id' | 'now'>

const lookAgainMs = 3_600_000

/** The first moment after `clock.now` at which a step of collection is due among the customers of a test clock. */
export async function nextDue(deps: Pick<Deps, 'store'>, clock: OfClock): Promise<Date | undefined> {
  const range = { after: clock.now }
  const { items } = await deps.store.find(invoices.attempts, {
    equals: [clock.id],
    range,
    order: 'asc',
    limit: 1,
  })
  return items[0]?.nextAttemptAt
}

/**
 * Takes every step of collection that is due at `at`: attempts, retries, the end of grace. What cannot be dealt with is
 * logged and holds up no other. Without a clock it does so for customers in real time. Gives how many steps it took.
 */
export async function run(
  deps: Deps,
  clock: OfClock | undefined,
  at: Date,
  { batch = 100 }: { batch?: number } = {},
): Promise<number> {
  let steps = 0
  const seen = new Set<string>()
  for (;;) {
    const { items } = await deps.store.find(invoices.attempts, {
      equals: [clock?.id ?? null],
      range: { upTo: at },
      order: 'asc',
      limit: batch,
    })
    const due = items.filter(({ id }) => !seen.has(id))
    if (due.length === 0) return steps
    for (const invoice of due) {
      seen.add(invoice.id)
      steps++
      try {
        await takeStep(deps, invoice, at)
      } catch (error) {
        deps.log.warn(
          { invoice: invoice.id, err: error },
          'an invoice could not be collected; tried again later',
        )
        await lookAgain(deps, invoice.id, at)
      }
    }
  }
}

/** What is due for one invoice at `at`. */
async function takeStep(deps: Deps, invoice: StoredInvoice, at: Date): Promise<void> {
  const { id, dunning } = invoice
  const tries = dunning?.graceEndsAt === undefined || (await isWorthTrying(deps, invoice))
  const supersede = invoice.status === 'past_due'
  const collected = tries ? await collectInvoice(deps, id, { supersede }) : undefined
  if (collected) {
    if (collected.outcome === 'unknown' || collected.outcome === 'busy') return lookAgain(deps, id, at)
    if (collected.outcome === 'paid' || collected.outcome === 'nothing_due') return
    if (await waitsForMethod(deps, invoice, collected, at)) return
    await bookFailure(deps, id, collected, at)
  }
  await suspendCustomer(deps, id, at)
}

/** Books what an attempt did not achieve. */
export async function bookFailure(deps: Deps, id: string, collected: Collected, at: Date): Promise<void> {
  if (collected.outcome === 'failed') {
    const { attempt, code, hard } = collected
    await recordFailure(deps, id, { attempt, code, hard, waiting: false, at })
  }
  if (collected.outcome === 'requires_action') {
    const { attempt } = collected
    await recordFailure(deps, id, {
      attempt,
      code: 'authentication_required',
      hard: false,
      waiting: true,
      at,
    })
  }
  if (collected.outcome === 'no_method') {
    const attempt = (await deps.store.get(invoices, id))?.attempts ?? 0
    await recordFailure(deps, id, { attempt, code: 'no_payment_method', hard: false, waiting: false, at })
  }
}

/** Whoever has no payment method pays by transfer until the invoice is due; only then has it failed. */
async function waitsForMethod(
  deps: Deps,
  { id, dueAt }: StoredInvoice,
  { outcome }: Collected,
  at: Date,
): Promise<boolean> {
  if (outcome !== 'no_method' || dueAt === undefined || dueAt <= at) return false
  await setNext(deps, id, dueAt)
  return true
}

/** In grace nothing is retried, save a payment that is under way and a method that has not failed yet. */
async function isWorthTrying(deps: Deps, invoice: StoredInvoice): Promise<boolean> {
  const { attempts, customer } = invoice
  if (await deps.store.get(payments, attemptPaymentId(invoice, attempts))) return true
  const last = await deps.store.get(payments, attemptPaymentId(invoice, attempts - 1))
  const method = (await deps.store.get(customers, customer))?.paymentMethod
  return method !== undefined && method.token !== last?.method
}

function lookAgain(deps: Deps, id: string, at: Date): Promise<void> {
  return setNext(deps, id, new Date(at.getTime() + lookAgainMs))
}

async function setNext(deps: Deps, id: string, nextAttemptAt: Date): Promise<void> {
  await deps.store.attempt(async () => {
    const found = await deps.store.get(invoices, id)
    if (!found?.nextAttemptAt) return
    const { version, ...invoice } = found
    await deps.store.commit([replace(invoices, { ...invoice, nextAttemptAt }, version)])
  })
}
