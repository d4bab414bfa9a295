import type { Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { finalizeInvoices } from '../invoices/finalize-invoices.ts'
import type { Draft } from '../invoices/finalize-invoices.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { closePeriod, meteredItems } from './close-period.ts'
import { draftOf, kindOf, tell } from './closing-records.ts'
import { cutPeriod } from './cut-period.ts'
import { askLicenses, followLicenses } from './follow-licenses.ts'
import type { Followed } from './follow-licenses.ts'
import { billedUsage, subscriptions } from './collections.ts'
import type { Item, Subscription } from './find-subscription.ts'
import { usagePeriodOf } from './charge-usage.ts'
import { correctLateUsage, lateCustomers } from './correct-late-usage.ts'
import { mergeIncrements } from './merge-increments.ts'
import { closeReporting, readUsages } from './period-usage.ts'
import type { UsageWanted } from './period-usage.ts'
import { priceOf, readPrices } from './read-prices.ts'
import type { PricesById } from './read-prices.ts'

/** A subscription whose period is over: stored already (`version`), or new. */
export interface Due {
  subscription: Subscription
  version: number | undefined
  /** Its period ends here, before its time. */
  cutAt?: Date
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

/** A group whose periods are closed but for the numbers of its invoices. */
export interface PreparedGroup extends Pick<GroupPlan, 'writes' | 'subscriptions' | 'failed'> {
  drafts: Draft[]
  further: Write[]
}

/**
 * Plans to close the open periods of subscriptions of one tenant and of distinct customers, all in one commit, with
 * one invoice each and numbers in their order. `at` is the time that holds for them. A subscription that cannot be
 * charged is left as it is and holds up no other.
 */
export async function planGroup(deps: Deps, due: readonly Due[], terms: GroupTerms): Promise<GroupPlan> {
  return finishGroup(deps, await prepareGroup(deps, due, terms), terms.at)
}

/** The part of `planGroup` that needs no numbers, so that it can be done while the group before is being committed. */
export async function prepareGroup(
  deps: Deps,
  due: readonly Due[],
  { at, prices, actor }: GroupTerms,
): Promise<PreparedGroup> {
  const prepared: PreparedGroup = { writes: [], further: [], drafts: [], subscriptions: [], failed: [] }
  const [first] = due
  if (!first) return prepared
  const { tenant } = first.subscription
  await readPrices(
    deps,
    due.flatMap(({ subscription }) => pricesOf(subscription)),
    prices,
  )
  const billed = await followedOf(deps, await buyersOf(deps, due), { prices, failed: prepared.failed })
  const late = await lateCustomers(
    deps,
    tenant,
    billed.map(({ customer }) => customer),
  )
  const usages = await usagesOf(deps, billed, prices)
  const corrections = await correctLateUsage(deps, tenant, { late, prices, at })
  for (const { subscription, version, customer, followed } of billed) {
    const correction = corrections.get(customer.id)
    try {
      const usageOf = usages(subscription)
      const closed = closePeriod(subscription, { usageOf, prices }, { lateUsageDays: deps.lateUsageDays })
      const kind = version === undefined ? 'created' : kindOf(subscription, closed.subscription)
      const told = tell(deps, actor ?? customer.id, kind, { after: closed.subscription, followed })
      const after: Subscription = { ...closed.subscription, updatedAt: at, auditId: told.auditId }
      prepared.writes.push(
        version === undefined ? insert(subscriptions, after) : replace(subscriptions, after, version),
        ...followed.writes,
      )
      prepared.subscriptions.push(after)
      prepared.further.push(told.write, ...closed.billed.map((one) => insert(billedUsage, one)))
      if (correction) prepared.further.push(...correction.writes)
      const invoice = draftOf(subscription, closed, { correction, customer, at })
      if (invoice) prepared.drafts.push({ invoice, version: undefined, customer })
    } catch (error) {
      prepared.failed.push({ subscription: subscription.id, error })
    }
  }
  return prepared
}

/** Gives the invoices of a prepared group their numbers. What must be committed is then all there. */
export async function finishGroup(
  deps: Deps,
  { writes, further, drafts, subscriptions: after, failed }: PreparedGroup,
  at: Date,
): Promise<GroupPlan> {
  const finalized = await finalizeInvoices(deps, drafts, at)
  // Versions come first: another run that was faster is found out there, before a number or an invoice clashes.
  const all = mergeIncrements([...writes, ...finalized.writes, ...further])
  return { writes: all, subscriptions: after, invoices: finalized.invoices, failed }
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
type FollowedUp = Billed & { followed: Followed }

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

/** The licenses of a new subscription were looked at when it was made; those of all others are now. */
async function followedOf(
  deps: Deps,
  billed: readonly Billed[],
  { prices, failed }: { prices: PricesById; failed: PreparedGroup['failed'] },
): Promise<FollowedUp[]> {
  const asked = billed.filter(({ version }) => version !== undefined).map(({ subscription }) => subscription)
  const charges = await askLicenses(deps, billed[0]?.subscription.tenant ?? '', asked)
  const found: FollowedUp[] = []
  for (const { subscription: before, ...one } of billed) {
    const until = one.cutAt ?? before.period.end
    try {
      const followed =
        one.version === undefined
          ? { subscription: before, writes: [], ended: [], followed: [] }
          : await followLicenses(deps, before, { charges, prices, until })
      const subscription = one.cutAt
        ? cutPeriod(followed.subscription, one.cutAt, prices)
        : followed.subscription
      found.push({ ...one, subscription, followed })
    } catch (error) {
      failed.push({ subscription: before.id, error })
    }
  }
  return found
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

function pricesOf({ items, pendingChange }: Subscription): string[] {
  return [...items, ...(pendingChange?.items ?? [])].map(({ price }) => price)
}
