import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import { findCustomer } from '../customers/find-customer.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { operatorsOnly } from '../operators-only.ts'
import { onlyOne, planGroup } from './bill-group.ts'
import { subscriptions } from './collections.ts'
import type { Subscription } from './find-subscription.ts'
import { anchorBefore, dayOfMonth, daysAfter } from './periods.ts'
import { resolveItems } from './resolve-items.ts'
import type { Resolved } from './resolve-items.ts'
import type { SubscriptionInput } from './subscription-schemas.ts'
import { told } from './subscription-state.ts'

/**
 * A new subscription. When it begins at once, its first period is open in the same commit, with an invoice for what
 * flat and seat prices charge ahead. Customers choose among plans as they are, and are given the trial of each once;
 * only operators put prices together, or give another trial.
 * Throws Fault `forbidden`.
 */
export async function createSubscription(
  deps: Deps,
  caller: Caller,
  input: SubscriptionInput,
): Promise<Plan<Subscription>> {
  operatorsOnly(caller, input, ['items', 'trial_days'])
  const customer = await customerOf(deps, caller, input.customer)
  const { plan, items, seats } = input
  const subscription = { id: deps.newId('subscription') }
  const resolved = await resolveItems(deps, { caller, customer, subscription, plan, seats, items })
  const now = await timeOf(deps, customer)
  const start = input.start === undefined ? now : new Date(input.start)
  if (start < now) {
    throw new Fault('validation_failed', { errors: [{ pointer: '/start', message: 'lies in the past' }] })
  }
  const draft = scheduled(subscription.id, { input, customer, resolved, start, now })
  const trial = trialWrites(customer, draft)
  if (start > now) {
    const { auditId, write } = told(deps, caller, 'subscription.created', draft)
    const answer = { ...draft, auditId }
    return { writes: [...resolved.writes, ...trial, insert(subscriptions, answer), write], answer }
  }
  const terms = { at: now, prices: resolved.prices, actor: caller.account }
  const { writes, answer } = onlyOne(
    await planGroup(deps, [{ subscription: draft, version: undefined }], terms),
  )
  return { writes: [...resolved.writes, ...trial, ...writes], answer }
}

function hadTrial({ trials = [] }: Customer, plan: string | undefined): boolean {
  return plan !== undefined && trials.includes(plan)
}

/** Remembers a trial of a plan, with the customer's version: of two subscriptions at once one has it. */
function trialWrites({ version, ...customer }: Customer, { plan, trialEnd }: Subscription): Write[] {
  const { trials = [] } = customer
  if (plan === undefined || trialEnd === undefined || trials.includes(plan)) return []
  return [replace(customers, { ...customer, trials: [...trials, plan] }, version)]
}

/** The customer that is named in a body: missing is a mistake of the request, not of its address. */
async function customerOf(deps: Deps, caller: Caller, id: string): Promise<Customer> {
  try {
    return await findCustomer(deps, caller, id)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const errors = [{ pointer: '/customer', message: 'names no customer' }]
    throw new Fault('reference_not_found', { errors, cause: error })
  }
}

/** The subscription before it begins: its period is empty and over at its start. */
function scheduled(
  id: string,
  about: {
    input: SubscriptionInput
    customer: Customer
    resolved: Resolved
    start: Date
    now: Date
  },
): Subscription {
  const { input, customer, resolved, start, now } = about
  const { timeZone } = customer
  const { interval, intervalCount, items, plan } = resolved
  const trialDays = input.trial_days ?? (hadTrial(customer, plan) ? 0 : resolved.trialDays)
  const trialEnd = trialDays > 0 ? daysAfter(start, trialDays, timeZone) : undefined
  const charged = trialEnd ?? start
  const anchorDay = input.anchor_day ?? dayOfMonth(charged, timeZone)
  return {
    id,
    tenant: customer.tenant,
    customer: customer.id,
    ...(plan !== undefined && { plan }),
    licenses: [...new Set([...input.licenses, ...items.flatMap(({ license }) => license ?? [])])],
    currency: customer.currency,
    items: items.map((item, place) => ({ id: String(place + 1), ...item })),
    status: 'scheduled',
    interval,
    intervalCount,
    anchorDay,
    timeZone,
    start,
    anchor: anchorBefore(charged, { anchorDay, timeZone, interval, intervalCount }),
    period: { start, end: start },
    ...(trialEnd && { trialEnd }),
    closings: 0,
    pendingLines: [],
    dueAt: start,
    clock: customer.clock ?? '',
    metadata: input.metadata,
    createdAt: now,
    updatedAt: now,
    auditId: '',
  }
}
