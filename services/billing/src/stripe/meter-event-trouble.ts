import { auditEvent } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import type { MeterEvent } from './collections.ts'

const troubling: ReadonlySet<MeterEvent['status']> = new Set(['refused', 'unsure', 'standing'])

/** The event that tells an operator that Stripe counts, or may count, something else than we do. */
export function troubleWrites(
  deps: Pick<Deps, 'now' | 'newId' | 'log'>,
  before: MeterEvent,
  after: MeterEvent,
): Write[] {
  if (before.status === after.status || !troubling.has(after.status)) return []
  const { id, tenant, meter, event, customer, eventName, value, status, failure } = after
  deps.log.warn({ meterEvent: id, status, failure }, 'a meter event of Stripe needs a look')
  const code = failure === undefined ? {} : { failure: failure.code }
  const data = { meter_event: id, meter, usage: event, customer, event_name: eventName, value, ...code }
  const record = { kind: `stripe.meter_event_${status}`, actor: 'stripe', licenses: [], items: [], data }
  return [auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record })]
}
