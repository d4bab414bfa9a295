import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import { customers } from '../customers/collections.ts'
import type { Deps } from '../deps.ts'
import type { Meter, UsageEvent } from '../usage/collections.ts'
import { isCounted } from '../usage/event-fields.ts'
import { stripeCustomers, stripeMeterEvents } from './collections.ts'
import type { MeterEvent } from './collections.ts'

type Linked = Meter & { stripe: NonNullable<Meter['stripe']> }

/** What a predecessor that Stripe keeps counting makes of the event that was to take its place. */
export const notReplaceable = 'correction_not_possible'

/**
 * The writes that promise Stripe's meters what linked meters count of some new usage events. Only of customers who are
 * customers of Stripe, and whose time no test clock moves: Stripe's time does not follow it.
 */
export async function meterEventWrites(
  deps: Pick<Deps, 'store' | 'now'>,
  meters: readonly Meter[],
  events: readonly UsageEvent[],
): Promise<Write[]> {
  const linked = meters.filter((meter): meter is Linked => meter.stripe !== undefined)
  const told = events.flatMap((event) =>
    event.effective === undefined
      ? []
      : linked.filter((meter) => isCounted(meter, event)).map((meter) => ({ meter, event })),
  )
  if (told.length === 0) return []
  const owners = await ownersOf(deps, new Set(told.map(({ event }) => event.customer)))
  const now = deps.now()
  return told.flatMap(({ meter, event }) => {
    const stripeCustomer = owners.get(event.customer)
    if (stripeCustomer === undefined) return []
    const { tenant, customer, occurredAt } = event
    const meterEvent: MeterEvent = {
      id: identifierOf(meter.id, event.id),
      tenant,
      meter: meter.id,
      event: event.id,
      customer,
      stripeCustomer,
      eventName: meter.stripe.eventName,
      value: valueOf(meter, event),
      occurredAt,
      round: 0,
      status: 'pending',
      attempts: 0,
      dueAt: now,
      createdAt: now,
    }
    return [insert(stripeMeterEvents, meterEvent)]
  })
}

/**
 * The writes by which what Stripe was told of a usage event is taken back and, where the event still counts, told anew
 * under an identifier that follows from the correction.
 */
export async function correctedMeterEvents(
  deps: Pick<Deps, 'store' | 'now'>,
  meters: readonly Meter[],
  { after, correction }: { after: UsageEvent; correction: string },
): Promise<Write[]> {
  const latest = new Map<string, Stored<MeterEvent>>()
  const equals = [after.tenant, after.id]
  for await (const one of deps.store.scan(stripeMeterEvents.byEvent, { equals })) latest.set(one.meter, one)
  const now = deps.now()
  return [...latest.values()].flatMap((before) => {
    const meter = meters.find(({ id }) => id === before.meter)
    if (!meter) return []
    const value = after.effective === undefined ? undefined : valueOf(meter, after)
    if (value === before.value) return []
    const writes = takeBack(before, now)
    if (value === undefined) return writes
    const replaces = isAbsent(before) ? before.replaces : before.id
    const next = successorOf(before, { source: correction, value, replaces, now })
    return [...writes, insert(stripeMeterEvents, next)]
  })
}

/** The writes by which what Stripe refused is told again, by an identifier that it has not seen. */
export function tellAnew(refused: Stored<MeterEvent>, now: Date): Write[] {
  const { id: source, value, replaces } = refused
  const next = successorOf(refused, { source, value, replaces, now })
  return [...takeBack(refused, now), insert(stripeMeterEvents, next)]
}

function successorOf(
  before: MeterEvent,
  {
    source,
    value,
    replaces,
    now,
  }: { source: string; value: string; replaces: string | undefined; now: Date },
): MeterEvent {
  const { tenant, meter, event, customer, stripeCustomer, eventName, occurredAt } = before
  return {
    id: identifierOf(meter, source),
    tenant,
    meter,
    event,
    customer,
    stripeCustomer,
    eventName,
    value,
    occurredAt,
    round: before.round + 1,
    ...(replaces !== undefined && { replaces }),
    status: 'pending',
    attempts: 0,
    dueAt: now,
    createdAt: now,
  }
}

/** Whether Stripe surely does not count it. */
function isAbsent({ status, askedAt }: MeterEvent): boolean {
  return status === 'refused' || status === 'canceled' || (status === 'pending' && askedAt === undefined)
}

function takeBack(before: Stored<MeterEvent>, now: Date): Write[] {
  const { version, dueAt: _dueAt, ...rest } = before
  if (isAbsent(before)) return [replace(stripeMeterEvents, { ...rest, status: 'canceled' }, version)]
  if (rest.status === 'pending')
    return [replace(stripeMeterEvents, { ...rest, cancels: true, dueAt: now }, version)]
  // Written as it is, so that whoever resolves it meanwhile looks at the correction first.
  if (rest.status === 'unsure') return [replace(stripeMeterEvents, rest, version)]
  if (rest.status !== 'sent') return []
  const { expiresAt: _, ...kept } = rest
  return [replace(stripeMeterEvents, { ...kept, status: 'canceling', attempts: 0, dueAt: now }, version)]
}

/** Of a count every event is one, which sums and counts of Stripe take alike. */
function valueOf({ aggregation }: Pick<Meter, 'aggregation'>, { effective = '0' }: UsageEvent): string {
  return aggregation === 'count' ? '1' : effective
}

function identifierOf(meter: string, source: string): string {
  return derivedId('meterEvent', hash('sha256', JSON.stringify([meter, source])))
}

/** The customers of Stripe that stand for some of ours, by our ids. */
async function ownersOf(
  { store }: Pick<Deps, 'store'>,
  ids: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const owners = new Map<string, string>()
  for (const found of await store.getMany(customers, [...ids])) {
    if (!found || found.clock !== undefined) continue
    const { items } = await store.find(stripeCustomers.byReference, {
      equals: [found.tenant, found.reference],
      order: 'asc',
      limit: 1,
    })
    if (items[0]) owners.set(found.id, items[0].id)
  }
  return owners
}
