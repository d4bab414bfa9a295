import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { finalizeInvoices } from '../invoices/finalize-invoices.ts'
import type { Draft } from '../invoices/finalize-invoices.ts'
import { invoiceIdOf } from '../invoices/find-invoice.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { closePeriod, meteredItems } from './close-period.ts'
import type { Closed } from './close-period.ts'
import { billedUsage, subscriptions } from './collections.ts'
import type { Item, Subscription } from './find-subscription.ts'
import { usagePeriodOf } from './charge-usage.ts'
import { correctLateUsage, lateCustomers } from './correct-late-usage.ts'
import type { Correction } from './correct-late-usage.ts'
import { closeReporting, readUsages } from './period-usage.ts'
import type { UsageWanted } from './period-usage.ts'
import { placed } from './rated-lines.ts'
import { priceOf, readPrices } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'

/** A subscription whose period is over: stored already (`version`), or new. */
export interface Due {
  subscription: Subscription
  version: number | undefined
}

/** What closing the periods of some subscriptions writes; `failed` are those that could not be charged. */
export interface GroupPlan {
  writes: Write[]
  subscriptions: Subscription[]
  invoices: StoredInvoice[]
  failed: { subscription: string; error: unknown }[]
}

/** The time that holds, prices that are known already, and who asked for it: the customer's own account unless told. */
export interface GroupTerms {
  at: Date
  prices: PricesById
  actor?: string
}

/**
 * Plans to close the open periods of subscriptions of one tenant and of distinct customers, all in one commit, with
 * one invoice each and numbers in their order. `at` is the time that holds for them. A subscription that cannot be
 * charged is left as it is and holds up no other.
 */
export async function planGroup(
  deps: Deps,
  due: readonly Due[],
  { at, prices, actor }: GroupTerms,
): Promise<GroupPlan> {
  const plan: GroupPlan = { writes: [], subscriptions: [], invoices: [], failed: [] }
  const [first] = due
  if (!first) return plan
  const { tenant } = first.subscription
  await readPrices(
    deps,
    due.flatMap(({ subscription }) => pricesOf(subscription)),
    prices,
  )
  const billed = await buyersOf(deps, due)
  const late = await lateCustomers(
    deps,
    tenant,
    billed.map(({ customer }) => customer),
  )
  const usages = await usagesOf(deps, billed, prices)
  const corrections = await correctLateUsage(deps, tenant, { late, prices, at })
  const drafts: Draft[] = []
  const further: Write[] = []
  for (const { subscription, version, customer } of billed) {
    const correction = corrections.get(customer.id)
    try {
      const usageOf = usages(subscription)
      const closed = closePeriod(subscription, { usageOf, prices }, { lateUsageDays: deps.lateUsageDays })
      const kind = version === undefined ? 'created' : kindOf(subscription, closed.subscription)
      const told = tell(deps, actor ?? customer.id, kind, closed.subscription)
      const after: Subscription = { ...closed.subscription, updatedAt: at, auditId: told.auditId }
      plan.writes.push(
        version === undefined ? insert(subscriptions, after) : replace(subscriptions, after, version),
      )
      plan.subscriptions.push(after)
      further.push(told.write, ...closed.billed.map((one) => insert(billedUsage, one)))
      if (correction) further.push(...correction.writes)
      const invoice = draftOf(subscription, closed, { correction, customer, at })
      if (invoice) drafts.push({ invoice, version: undefined, customer })
    } catch (error) {
      plan.failed.push({ subscription: subscription.id, error })
    }
  }
  const finalized = await finalizeInvoices(deps, drafts, at)
  plan.invoices = finalized.invoices
  // Versions come first: another run that was faster is found out there, before a number or an invoice clashes.
  plan.writes.push(...finalized.writes, ...further)
  return plan
}

/** The plan for a single subscription, to answer with. Throws what kept it from being charged. */
export function onlyOne({
  writes,
  subscriptions: [subscription],
  failed: [failure],
}: GroupPlan): Plan<Subscription> {
  if (!subscription) throw failure?.error ?? new Error('no subscription was planned')
  return { writes, answer: subscription }
}

type Billed = Due & { customer: Customer }

async function buyersOf({ store }: Deps, due: readonly Due[]): Promise<Billed[]> {
  const found = await store.getMany(
    customers,
    due.map(({ subscription }) => subscription.customer),
  )
  return due.map((one, place) => {
    const customer = found[place]
    if (!customer) throw new Error(`The customer of ${one.subscription.id} is not there`)
    return { ...one, customer }
  })
}

/** Reads what all metered items of the group used; nothing that is reported from here on escapes as not late. */
async function usagesOf(deps: Deps, billed: readonly Billed[], prices: PricesById) {
  const wanted: UsageWanted[] = []
  const places = new Map<string, number>()
  for (const { subscription, customer } of billed) {
    for (const item of meteredItems(subscription, prices)) {
      const { start: from, end: before } = usagePeriodOf(subscription, item)
      places.set(`${subscription.id} ${item.id}`, wanted.length)
      wanted.push({ customer, price: priceOf(prices, item.price), from, before })
    }
  }
  await closeReporting(deps, wanted)
  const usages = await readUsages(deps, wanted)
  return (subscription: Subscription) => (item: Item) => {
    const usage = usages[places.get(`${subscription.id} ${item.id}`) ?? -1]
    if (usage instanceof Error) throw usage
    if (!usage) throw new Error(`The usage of item ${item.id} of ${subscription.id} was not read`)
    return usage
  }
}

function draftOf(
  before: Subscription,
  { lines: charged, subscription: after }: Closed,
  { correction, customer, at }: { correction: Correction | undefined; customer: Customer; at: Date },
): StoredInvoice | undefined {
  const lines = placed([...charged, ...(correction?.lines ?? [])])
  if (lines.length === 0) return undefined
  const { tenant, id: subscription, period: closed } = before
  const boundary = before.status === 'canceled' ? (before.dueAt ?? closed.end) : closed.end
  const zero = { subtotal: 0n, taxes: [], taxTotal: 0n, total: 0n, creditsApplied: 0n, amountDue: 0n }
  return {
    id: invoiceIdOf(tenant, subscription, boundary, before.closings),
    tenant,
    customer: customer.id,
    subscription,
    currency: before.currency,
    status: 'draft',
    lines,
    ...zero,
    amountPaid: 0n,
    amountRefunded: 0n,
    amountCredited: 0n,
    ...(customer.clock !== undefined && { clock: customer.clock }),
    period: closed.start < closed.end ? closed : after.period,
    metadata: {},
    attempts: 0,
    createdAt: at,
    auditId: '',
  }
}

function tell(
  deps: Deps,
  actor: string,
  kind: string,
  { tenant, id, customer, licenses, status, period: { start, end } }: Subscription,
): { auditId: string; write: Write } {
  const event = deps.newId('event')
  const period = { period_start: start.toISOString(), period_end: end.toISOString() }
  const data = { subscription: id, customer, status, ...period }
  const record = { kind: `subscription.${kind}`, actor, licenses: licenses.slice(0, 100), items: [], data }
  return {
    auditId: auditIdOf(tenant, event),
    write: auditEvent({ id: event, tenant, at: deps.now(), record }),
  }
}

function kindOf(before: Subscription, { status }: Subscription): string {
  if (status === 'canceled') return before.status === 'canceled' ? 'settled' : 'canceled'
  if (status === 'paused') return 'paused'
  if (before.status === 'paused') return 'resumed'
  return before.status === 'scheduled' ? 'started' : 'renewed'
}

function pricesOf({ items, pendingChange }: Subscription): string[] {
  return [...items, ...(pendingChange?.items ?? [])].map(({ price }) => price)
}
