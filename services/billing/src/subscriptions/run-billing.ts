import { DuplicateKey, StaleVersion } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { finishGroup, prepareGroup } from './bill-group.ts'
import { subscriptions } from './collections.ts'
import type { Subscription } from './find-subscription.ts'
import type { PricesById } from './read-prices.ts'
import { recordBillingFailure } from './record-billing-failure.ts'

/** What a run did. */
export interface BillingRun {
  /** Periods that were closed. */
  periods: number
  invoices: number
  /** Subscriptions that could not be charged; they stay due, and are tried again later and later. */
  failed: string[]
}

/** Until when a run closes periods, and of which subscriptions. */
export interface BillingRunTerms {
  until: Date
  /** The test clock whose subscriptions are meant; those of real time unless told. */
  clock?: string
  /** The most invoices of a commit. */
  batch?: number
}

type DueNow = Pick<Subscription, 'id' | 'tenant' | 'customer'>

const pageSize = 1000

/**
 * Closes every period that is over by `until`, several of one subscription where they were missed. Each commit closes
 * the periods of up to `batch` subscriptions of a tenant whole: invoices, numbers, journals and the next periods. So it
 * may be killed anywhere and run again, and two runs at once come to the same invoices as one.
 */
export async function runBilling(
  deps: Deps,
  { until, clock = '', batch = 100 }: BillingRunTerms,
): Promise<BillingRun> {
  const run: BillingRun = { periods: 0, invoices: 0, failed: [] }
  const prices: PricesById = new Map()
  const failed = new Set<string>()
  for (;;) {
    const before = run.periods
    let after: string | undefined
    do {
      const page = await deps.store.find(subscriptions.due, {
        equals: [clock],
        range: { upTo: until },
        limit: pageSize,
        ...(after !== undefined && { after }),
      })
      after = page.next
      for (const id of run.failed.slice(failed.size)) failed.add(id)
      const due = page.items.filter(({ id }) => !failed.has(id))
      const groups = groupsOf(due, batch).values()
      const running = { until, prices, run, turns: new Map() }
      await Promise.all(Array.from({ length: lanes }, () => billAll(deps, groups, running)))
    } while (after !== undefined)
    // A pass that closed nothing has found all that is left impossible to charge.
    if (run.periods === before) return run
  }
}

// While the commit of one group is written, the next is being prepared.
const lanes = 2

interface Running {
  until: Date
  /** Tries what has failed before its time. */
  atOnce?: boolean
  prices: PricesById
  run: BillingRun
  /** By tenant: the last who took its turn to draw numbers and commit. */
  turns: Map<string, Promise<unknown>>
}

async function billAll(deps: Deps, groups: Iterable<DueNow[]>, running: Running): Promise<void> {
  for (const group of groups) await billGroup(deps, group, running)
}

async function billGroup(deps: Deps, group: readonly DueNow[], running: Running): Promise<void> {
  const { run } = running
  try {
    const done = await deps.store.attempt(() => tryGroup(deps, group, running))
    run.periods += done.periods
    run.invoices += done.invoices
    for (const { subscription, error } of done.failed) await giveUp(deps, running, subscription, error)
  } catch (error) {
    const [only] = group
    if (!only) return
    if (group.length === 1) return giveUp(deps, running, only.id, error)
    // What one of them brings about must not hold up the others; too large a commit fits in halves.
    const half = Math.ceil(group.length / 2)
    await billGroup(deps, group.slice(0, half), running)
    await billGroup(deps, group.slice(half), running)
  }
}

async function tryGroup(deps: Deps, group: readonly DueNow[], running: Running) {
  const { until: at, prices } = running
  const found = await deps.store.getMany(
    subscriptions,
    group.map(({ id }) => id),
  )
  const due = found.flatMap((one) => {
    if (one?.dueAt === undefined || !isDue(one, running)) return []
    const { version, ...subscription } = one
    return [{ subscription, version }]
  })
  const prepared = await prepareGroup(deps, due, { at, prices })
  const { failed, subscriptions: after } = prepared
  if (after.length === 0) return { periods: 0, invoices: 0, failed }
  // Numbers of a tenant are drawn by one at a time: who draws beside another would have to begin again.
  return inTurn(running.turns, group[0]?.tenant ?? '', async () => {
    const plan = await finishGroup(deps, prepared, at)
    await commitOrRetry(deps, plan.writes)
    return { periods: after.length, invoices: plan.invoices.length, failed }
  })
}

async function inTurn<T>(turns: Running['turns'], tenant: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(tenant) ?? Promise.resolve()
  const mine = before.then(work)
  turns.set(
    tenant,
    mine.catch(() => {}),
  )
  return mine
}

/** What another run has inserted is found by reading again, as is what it has replaced. */
async function commitOrRetry(deps: Deps, writes: Parameters<Deps['store']['commit']>[0]): Promise<void> {
  try {
    await deps.store.commit(writes)
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error
    throw new StaleVersion('another run was faster', { cause: error })
  }
}

/** Groups of one tenant each, no customer twice in one. */
function groupsOf(due: readonly DueNow[], batch: number): DueNow[][] {
  const groups: DueNow[][] = []
  for (const ofTenant of Map.groupBy(due, ({ tenant }) => tenant).values()) {
    let rest = ofTenant
    while (rest.length > 0) {
      const customers = new Set<string>()
      const group: DueNow[] = []
      const later: DueNow[] = []
      for (const one of rest) {
        if (group.length >= batch || customers.has(one.customer)) {
          later.push(one)
          continue
        }
        customers.add(one.customer)
        group.push(one)
      }
      groups.push(group)
      rest = later
    }
  }
  return groups
}

async function giveUp(
  deps: Deps,
  { run, until }: Running,
  subscription: string,
  error: unknown,
): Promise<void> {
  run.failed.push(subscription)
  // That others write at the same time says nothing of the subscription: the next run takes it up.
  if (error instanceof StaleVersion)
    return deps.log.warn({ subscription, err: error }, 'a group was contended')
  try {
    await recordBillingFailure(deps, subscription, error, until)
  } catch (reason) {
    deps.log.error({ subscription, err: reason }, 'what kept a subscription from being billed was not noted')
  }
}

function isDue({ dueAt, failure, status, period }: Subscription, { until, atOnce }: Running): boolean {
  if (dueAt !== undefined && dueAt <= until) return true
  return atOnce === true && failure !== undefined && status !== 'canceled' && period.end <= until
}

/** Closes what is over of one subscription, before something else is done to it. */
export async function catchUp(deps: Deps, { id, tenant, customer }: DueNow, until: Date): Promise<void> {
  const run: BillingRun = { periods: 0, invoices: 0, failed: [] }
  for (let before = -1; run.periods > before;) {
    before = run.periods
    const running = { until, atOnce: true, prices: new Map(), run, turns: new Map() }
    await billGroup(deps, [{ id, tenant, customer }], running)
  }
}
