import type { Usage } from '@tallystick/pricing'
import { timeOf } from '../clocks/time-of.ts'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import type { Meter } from './collections.ts'
import { isCounted } from './event-fields.ts'
import { findMeter } from './find-meters.ts'
import { eventsBetween } from './hour-events.ts'
import type { EventsOf } from './hour-events.ts'
import { readUsage } from './read-usage.ts'

/** Which usage is to be rated. */
export interface AggregateQuestion {
  /** A meter's id. */
  meter: string
  /** A customer's id. */
  customer: string
  from: Date
  before: Date
  /** Names of dimensions (`country`) or other group-by fields of the meter: one slice for each combination. */
  groupBy?: readonly string[] | undefined
  /** Gives the events themselves as they occurred, those of one moment by their id: what percentage prices are charged by. */
  events?: boolean | undefined
}

/**
 * Exact usage of `[from, before)`, at any instants, in the form that `rateUsage` takes; holds all that was committed
 * before `asOf`. Throws Fault `not_found` for a meter that is not there, TypeError for a field that it does not keep.
 */
export async function aggregateUsage(
  deps: Pick<Deps, 'store' | 'now'>,
  tenant: string,
  { meter: name, customer, from, before, groupBy, events }: AggregateQuestion,
): Promise<{ usage: Usage; asOf: Date }> {
  const found = await deps.store.get(customers, customer)
  const asOf = await timeOf(deps, found ?? {})
  const meter = await findMeter(deps, tenant, name)
  if (events)
    return { usage: { events: await pricedEvents(deps, { tenant, customer, meter, from, before }) }, asOf }
  const fields = (groupBy ?? []).map((field) => {
    const kept = [field, `dimensions.${field}`].find((one) => meter.groupBy.includes(one))
    if (kept === undefined) throw new TypeError(`the meter ${meter.name} does not keep ${field} apart`)
    return kept
  })
  if (from >= before) return { usage: groupBy ? { byDimension: [] } : { quantity: '0' }, asOf }
  const { rows, total } = await readUsage(deps, {
    tenant,
    meter,
    customer,
    cuts: [from, before],
    groupBy: fields,
  })
  if (!groupBy) return { usage: { quantity: total }, asOf }
  return {
    usage: {
      byDimension: rows.map(({ group, quantity }) => ({ dimensions: named(groupBy, group), quantity })),
    },
    asOf,
  }
}

/** A dimension that an event does not have is not among its dimensions. */
function named(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name, at) => {
      const value = values[at]
      return value ? [[name.replace(/^dimensions\./, ''), value.replaceAll('\n', ',')]] : []
    }),
  )
}

async function pricedEvents(
  deps: Pick<Deps, 'store'>,
  { meter, from, before, ...of }: EventsOf & { meter: Meter; from: Date; before: Date },
) {
  const events = await eventsBetween(deps, of, { from, before })
  return events
    .filter((event) => isCounted(meter, event))
    .map(({ effective = '0', dimensions }) => ({ quantity: '1', amount: effective, dimensions }))
}
