import { Fault } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { findCustomer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { usageEvents } from './collections.ts'
import type { UsageEvent } from './collections.ts'
import { usageIdOf } from './identify-reports.ts'
import type { usageEventView } from './usage-schemas.ts'

type View = z.infer<typeof usageEventView>

/** The event with that id of the reporter's that the caller may see, or Fault `not_found`. */
export async function findEvent(
  deps: Pick<Deps, 'store'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  event: string,
): Promise<Stored<UsageEvent>> {
  const found = await deps.store.get(usageEvents, usageIdOf(caller.tenant, event))
  if (!found) throw new Fault('not_found')
  await findCustomer(deps, caller, found.customer)
  return found
}

/** The event with its corrections, the first of them first. */
export async function viewWithCorrections(
  deps: Pick<Deps, 'store' | 'livemode'>,
  event: UsageEvent,
): Promise<View> {
  const corrections: NonNullable<View['corrections']> = []
  for await (const one of deps.store.scan(usageEvents.corrections, { equals: [event.id] })) {
    if (one.kind === 'usage') continue
    corrections.push({
      id: one.id,
      kind: one.kind,
      ...(one.kind === 'adjust' && { quantity: one.quantity }),
      reason: one.reason ?? '',
      created_at: one.receivedAt.toISOString(),
      audit_id: one.auditId,
    })
  }
  return { ...viewEvent(deps, event), corrections }
}

/** An event as the API tells it, without its corrections. */
export function viewEvent({ livemode }: Pick<Deps, 'livemode'>, event: UsageEvent): View {
  return {
    object: 'usage_event',
    id: event.id,
    livemode,
    event_id: event.event,
    status: event.status,
    ...(event.refusal !== undefined && { refusal: event.refusal }),
    customer: event.customer,
    ...(event.apiKey !== undefined && { api_key: event.apiKey }),
    licenses: event.licenses,
    items: event.items,
    metric: event.metric,
    quantity: event.quantity,
    ...(event.effective !== undefined && { effective_quantity: event.effective }),
    ...(event.modelId !== undefined && { model_id: event.modelId }),
    purpose: event.purpose,
    ...(event.region !== undefined && { region: event.region }),
    dimensions: event.dimensions,
    occurred_at: event.occurredAt.toISOString(),
    created_at: event.receivedAt.toISOString(),
    audit_id: event.auditId,
  }
}
