import { Fault } from '@tallystick/protocol'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { meters } from '../usage/collections.ts'
import type { Meter } from '../usage/collections.ts'
import { nextEpoch, viewMeter } from '../usage/create-meter.ts'
import { epochOf, findMeter, mostMeters } from '../usage/find-meters.ts'
import type { meterView } from '../usage/meter-schemas.ts'

/** Stripe adds values up, counts them or takes the last: https://docs.stripe.com/api/billing/meter/create. */
const expressible: ReadonlySet<Meter['aggregation']> = new Set(['count', 'sum', 'last'])

/**
 * Links a meter to the meter of Stripe that has this event name, or (null) ends the link. Reports that are under way
 * see it or fail and are made again, so that every event from the link on is told. Throws Fault `invalid_state` for
 * what Stripe cannot count, `already_exists` where another meter tells that one.
 */
export async function linkMeter(
  deps: Deps,
  caller: Caller,
  { meter_id, event_name }: { meter_id: string; event_name: string | null },
): Promise<Plan<z.infer<typeof meterView>>> {
  const { tenant, account } = caller
  const epoch = await epochOf(deps, tenant)
  const { version, ...found } = await findMeter(deps, tenant, meter_id)
  const { stripe: linked, ...before } = found
  if ((linked?.eventName ?? null) === event_name) return { writes: [], answer: viewMeter(deps, found) }
  if (event_name !== null) await requireLinkable(deps, before, event_name)
  const after: Meter = { ...before, ...(event_name !== null && { stripe: { eventName: event_name } }) }
  const kind = event_name === null ? 'meter.unlinked' : 'meter.linked'
  const data = { meter: after.id, name: after.name, event_name: event_name ?? linked?.eventName ?? '' }
  const record = { kind, actor: account, licenses: [], items: [], data }
  return {
    writes: [
      replace(meters, after, version),
      nextEpoch(tenant, epoch),
      auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record }),
    ],
    answer: viewMeter(deps, after),
  }
}

async function requireLinkable(deps: Deps, meter: Meter, eventName: string): Promise<void> {
  const refuse = (detail: string) => new Fault('invalid_state', { detail })
  if (!meter.active) throw refuse('It is archived')
  if (!expressible.has(meter.aggregation))
    throw refuse(`Stripe has no ${meter.aggregation}: link a meter that counts, sums or takes the last`)
  const { items } = await deps.store.find(meters.feeding, { equals: [meter.tenant], limit: mostMeters })
  const other = items.find(({ id, stripe }) => id !== meter.id && stripe?.eventName === eventName)
  if (other)
    throw new Fault('already_exists', { detail: `The meter ${other.name} tells ${eventName} already` })
}
