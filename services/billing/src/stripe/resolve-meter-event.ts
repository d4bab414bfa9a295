import { Fault } from '@tallystick/protocol'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { usageEvents } from '../usage/collections.ts'
import { stripeMeterEvents } from './collections.ts'
import type { MeterEvent } from './collections.ts'
import { done } from './meter-event-states.ts'
import { notReplaceable, tellAnew } from './meter-event-writes.ts'

/**
 * Ends a meter event that is `unsure` by the word of an operator who has looked at Stripe. What Stripe does not count is
 * told again, or the correction that waits for it is. Throws Fault `not_found`, or `invalid_state` where the event is
 * not unsure: nothing that was told to an operator as counted is told to Stripe twice.
 */
export async function resolveMeterEvent(
  deps: Deps,
  caller: Caller,
  { id, counted }: { id: string; counted: boolean },
): Promise<Plan<MeterEvent>> {
  const unsure = await deps.store.get(stripeMeterEvents, id)
  if (!unsure || unsure.tenant !== caller.tenant) throw new Fault('not_found')
  if (unsure.status !== 'unsure') {
    throw new Fault('invalid_state', {
      detail: `The meter event is ${unsure.status}; only one that is unsure is resolved`,
    })
  }
  const latest = await latestOf(deps, unsure)
  const usage = await deps.store.get(usageEvents, unsure.event)
  const holds = latest.id === id && usage?.effective !== undefined
  const now = deps.now()
  const { account, tenant } = caller
  const record = { kind: 'stripe.meter_event_resolved', actor: account, licenses: [], items: [] }
  const data = { meter_event: id, usage: unsure.event, counted }
  const told = auditEvent({ id: deps.newId('event'), tenant, at: now, record: { ...record, data } })
  const { version, ...before } = unsure
  if (!counted && holds) {
    const writes = [...tellAnew({ ...unsure, status: 'refused' }, now), told]
    return { writes, answer: { ...before, status: 'canceled' } }
  }
  const status = !counted ? 'canceled' : holds ? 'sent' : 'standing'
  // What Stripe counts it got when it was asked for first, or after: from then on it takes events back for a day.
  const sentAt = before.sentAt ?? before.askedAt
  const answer: MeterEvent = {
    ...done(before, status, status === 'standing' ? undefined : now),
    ...(counted && sentAt && { sentAt }),
  }
  const writes: Write[] = [replace(stripeMeterEvents, answer, version), told]
  const waits = latest.status === 'refused' && latest.failure?.code === notReplaceable
  if (!counted && waits) writes.push(...tellAnew(latest, now))
  return { writes, answer }
}

/** What holds by now of the usage event at this meter. */
async function latestOf(
  { store }: Pick<Deps, 'store'>,
  unsure: Stored<MeterEvent>,
): Promise<Stored<MeterEvent>> {
  let latest = unsure
  const equals = [unsure.tenant, unsure.event]
  for await (const one of store.scan(stripeMeterEvents.byEvent, { equals }))
    if (one.meter === unsure.meter && one.round > latest.round) latest = one
  return latest
}
