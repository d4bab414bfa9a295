import { auditEvent } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { letter } from '../mail/letter.ts'
import { aggregateUsage } from '../usage/aggregate-usage.ts'
import type { Meter } from '../usage/collections.ts'
import { isCounted } from '../usage/event-fields.ts'
import type { Change } from '../usage/feed-meters.ts'
import { fromScaled, toScaled } from '../usage/scaled.ts'
import { alertPeriod, stateIdOf } from './alert-period.ts'
import { alertStates, usageAlerts } from './collections.ts'
import type { AlertState, UsageAlert } from './collections.ts'
import { gaugeOf } from './gauge.ts'
import type { Gauge } from './gauge.ts'

/** Holds usage against the thresholds of its customers while a commit is thought out. */
export interface Watch {
  /** Counts what changes; `refusal` names the cap that an event would pass, and then nothing was counted. */
  admit(changes: readonly Change[], options: { force: boolean }): Promise<string | undefined>
  /** The writes of the new figures, and of the news that a threshold was reached. */
  writes(): Write[]
}

interface Watched {
  alert: UsageAlert
  gauge: Gauge
  states: Map<string, Open>
}

interface Open {
  state: AlertState
  version: number | undefined
  counted: Map<string, bigint>
  changed: boolean
  reached: boolean
}

/** The thresholds of one customer, for a commit that expects its usage controls. */
export async function watchUsage(
  deps: Deps,
  { customer, meters }: { customer: Customer; meters: readonly Meter[] },
): Promise<Watch> {
  const { items } = await deps.store.find(usageAlerts.watching, {
    equals: [customer.tenant, customer.id],
    limit: 1000,
  })
  const watched = items.map((alert): Watched => ({ alert, gauge: gaugeOf(alert), states: new Map() }))
  return {
    admit: (changes, { force }) => admit(deps, { customer, meters, watched }, changes, force),
    writes: () => watched.flatMap((one) => stateWrites(deps, customer, one)),
  }
}

async function admit(
  deps: Deps,
  {
    customer,
    meters,
    watched,
  }: { customer: Customer; meters: readonly Meter[]; watched: readonly Watched[] },
  changes: readonly Change[],
  force: boolean,
): Promise<string | undefined> {
  const taken: { open: Open; after: Map<string, bigint>; isReached: boolean }[] = []
  for (const { alert, gauge, states } of watched) {
    const at = changes[0]?.event.occurredAt
    const deltas = deltasOf(gauge, meters, changes)
    if (!at || deltas.size === 0) continue
    const open = await openState(deps, { alert, gauge, states }, customer, at)
    const after = new Map(open.counted)
    for (const [meter, by] of deltas) after.set(meter, (after.get(meter) ?? 0n) + by)
    const figure = gauge.figure(after)
    if (alert.kind === 'cap' && !force && figure > gauge.limit) {
      open.reached = true
      return `The cap ${alert.id} of ${gauge.show(gauge.limit)} a period would be passed: it would be ${gauge.show(figure)}`
    }
    taken.push({ open, after, isReached: figure >= gauge.limit })
  }
  for (const { open, after, isReached } of taken) {
    open.counted = after
    open.changed = true
    open.reached ||= isReached
  }
  return undefined
}

function deltasOf(gauge: Gauge, meters: readonly Meter[], changes: readonly Change[]): Map<string, bigint> {
  const deltas = new Map<string, bigint>()
  for (const meter of meters) {
    if (!gauge.meters.includes(meter.id)) continue
    for (const { event, sign } of changes) {
      if (event.effective === undefined || !isCounted(meter, event)) continue
      const value = meter.aggregation === 'count' ? 10n ** 12n : toScaled(event.effective)
      deltas.set(meter.id, (deltas.get(meter.id) ?? 0n) + sign * value)
    }
  }
  return deltas
}

async function openState(
  deps: Deps,
  { alert, gauge, states }: Watched,
  customer: Customer,
  at: Date,
): Promise<Open> {
  for (const open of states.values()) {
    if (at >= open.state.period.start && at < open.state.period.end) return open
  }
  const period = await alertPeriod(deps, alert, customer, at)
  const id = stateIdOf(alert, period)
  const stored = await deps.store.get(alertStates, id)
  const open = stored ? openStored(stored, period) : await openNew(deps, { id, alert, gauge, period })
  states.set(id, open)
  return open
}

/** Since it was written another interval may have begun at the same moment: the period ends as it does now. */
function openStored({ version, ...before }: Stored<AlertState>, period: AlertState['period']): Open {
  const state = { ...before, period }
  const counted = new Map(state.counted.map(({ meter, quantity }) => [meter, toScaled(quantity)]))
  return { state, version, counted, changed: false, reached: false }
}

/** What was used in the period before; every later report of it writes the state, so none comes in between. */
async function openNew(
  deps: Deps,
  { id, alert, gauge, period }: { id: string; alert: UsageAlert; gauge: Gauge; period: AlertState['period'] },
): Promise<Open> {
  const { tenant, customer } = alert
  const counted = new Map<string, bigint>()
  for (const meter of gauge.meters) {
    const { usage } = await aggregateUsage(deps, tenant, {
      meter,
      customer,
      from: period.start,
      before: period.end,
    })
    if (!('quantity' in usage) || typeof usage.quantity !== 'string')
      throw new TypeError(`the meter ${meter} gives no quantity`)
    counted.set(meter, toScaled(usage.quantity))
  }
  const state: AlertState = { id, tenant, alert: alert.id, period, counted: [] }
  return { state, version: undefined, counted, changed: false, reached: false }
}

function stateWrites(deps: Deps, customer: Customer, { alert, gauge, states }: Watched): Write[] {
  return [...states.values()].flatMap((open) => {
    const fires = open.reached && open.state.firedAt === undefined
    if (!open.changed && !fires) return []
    const state: AlertState = {
      ...open.state,
      counted: [...open.counted].map(([meter, scaled]) => ({ meter, quantity: fromScaled(scaled) })),
      ...(fires && { firedAt: deps.now() }),
    }
    const write =
      open.version === undefined ? insert(alertStates, state) : replace(alertStates, state, open.version)
    return fires ? [write, ...news(deps, { customer, alert, gauge, open })] : [write]
  })
}

function news(
  deps: Deps,
  { customer, alert, gauge, open }: { customer: Customer; alert: UsageAlert; gauge: Gauge; open: Open },
): Write[] {
  const { tenant } = alert
  const at = deps.now()
  const figure = gauge.show(gauge.figure(open.counted))
  const limit = gauge.show(gauge.limit)
  const data = {
    alert: alert.id,
    kind: alert.kind,
    customer: customer.id,
    limit,
    figure,
    period: { from: open.state.period.start.toISOString(), before: open.state.period.end.toISOString() },
  }
  const record = { kind: 'usage.threshold_crossed', actor: 'system', licenses: [], items: [], data }
  const told = auditEvent({ id: deps.newId('event'), tenant, at, record })
  if (customer.email === undefined) return [told]
  const text = [
    `The ${alert.kind} ${alert.id} is at ${figure} of ${limit} in this period.`,
    ...(alert.kind === 'cap' ? ['Usage that would pass it is refused until the next period begins.'] : []),
  ]
  const id = `alert-${open.state.id}`
  const subject = `Usage ${alert.kind}: ${limit} reached`
  return [told, letter({ id, to: customer.email, subject, text: text.join('\n') }, { tenant, at })]
}
