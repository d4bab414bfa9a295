import { Fault } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import { auditEvents } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { z } from 'zod'
import { watchUsage } from '../alerts/watch-usage.ts'
import { timeOf } from '../clocks/time-of.ts'
import { findCustomer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { correctedMeterEvents } from '../stripe/meter-event-writes.ts'
import { buildMeter } from './build-meter.ts'
import { usageEvents } from './collections.ts'
import type { UsageEvent } from './collections.ts'
import { recordOf } from './event-record.ts'
import { feedMeters } from './feed-meters.ts'
import type { Change } from './feed-meters.ts'
import { metersOf } from './find-meters.ts'
import type { FedMeters } from './find-meters.ts'
import { eventIdOf } from './identify-reports.ts'
import { lateWrites } from './late-usage.ts'
import { fromScaled, toScaled } from './scaled.ts'
import { controlsOf, expectControls } from './usage-controls.ts'
import type { Controls } from './usage-controls.ts'
import type { usageEventView } from './usage-schemas.ts'
import { findEvent, viewWithCorrections } from './view-event.ts'

/** What is to be corrected: another quantity, or without one the event ceases to count. */
export interface Correction {
  event_id: string
  quantity?: string
  reason: string
}

/**
 * Corrects an accepted event by an event of its own; what was reported stays. Aggregates move by the difference in the
 * same commit. Throws Fault `invalid_state` for what does not count.
 */
export async function correctUsage(
  deps: Deps,
  caller: Caller,
  correction: Correction,
): Promise<Plan<z.infer<typeof usageEventView>>> {
  const { version, ...before } = await findEvent(deps, caller, correction.event_id)
  if (before.status !== 'accepted' || before.effective === undefined)
    throw new Fault('invalid_state', {
      detail: 'Only an event that is accepted and not deprecated is corrected',
    })
  const { epoch, meters } = await builtMeters(deps, before)
  const controls = await controlsOf(deps, before.tenant, new Set([before.customer]))
  const { effective: _, ...rest } = before
  const after: UsageEvent =
    correction.quantity === undefined
      ? rest
      : { ...rest, effective: fromScaled(toScaled(correction.quantity)) }
  const told = await correctionOf(deps, caller, { after, correction })
  const changes: Change[] = [{ event: before, sign: -1n }]
  if (after.effective !== undefined) changes.push({ event: after, sign: 1n })
  const watched = await watchedWrites(deps, caller, { controls, meters, changes })
  const kind = told.kind === 'adjust' ? 'usage.adjusted' : 'usage.deprecated'
  return {
    writes: [
      epoch.expected,
      ...expectControls(controls),
      ...watched,
      replace(usageEvents, after, version),
      insert(usageEvents, told),
      ...(await feedMeters(deps, meters, changes)),
      ...lateWrites(controls, meters, [before]),
      ...(await correctedMeterEvents(deps, meters, { after, correction: told.id })),
      ...auditEvents({ tenant: before.tenant, at: deps.now(), records: [recordOf(caller, kind, told)] }),
    ],
    answer: await viewCorrected(deps, after, told),
  }
}

/** The meters of the event, all built: a builder must not meet an event that changes under its hands. */
async function builtMeters(
  deps: Deps,
  { tenant, metric }: Pick<UsageEvent, 'tenant' | 'metric'>,
): Promise<FedMeters> {
  const found = await metersOf(deps, tenant, new Set([metric]))
  const building = found.meters.filter(({ status }) => status === 'building')
  if (building.length === 0) return found
  for (const { id } of building) await buildMeter(deps, id)
  return builtMeters(deps, { tenant, metric })
}

/** A correction tells what has been used already: it moves the thresholds' figures, and no cap refuses it. */
async function watchedWrites(
  deps: Deps,
  caller: Caller,
  {
    controls,
    meters,
    changes,
  }: { controls: Controls; meters: FedMeters['meters']; changes: readonly Change[] },
): Promise<Write[]> {
  for (const { id, alerts } of controls.values()) {
    if (alerts === 0) continue
    const watch = await watchUsage(deps, { customer: await findCustomer(deps, caller, id), meters })
    await watch.admit(changes, { force: true })
    return watch.writes()
  }
  return []
}

async function correctionOf(
  deps: Deps,
  caller: Caller,
  { after, correction }: { after: UsageEvent; correction: Correction },
): Promise<UsageEvent> {
  const { effective, ...event } = after
  const id = deps.newId('usage')
  return {
    ...event,
    id,
    kind: effective === undefined ? 'deprecate' : 'adjust',
    quantity: effective ?? '0',
    corrects: after.id,
    reason: correction.reason,
    receivedAt: await timeOf(deps, await findCustomer(deps, caller, after.customer)),
    auditId: auditIdOf(after.tenant, eventIdOf(id)),
  }
}

async function viewCorrected(deps: Deps, after: UsageEvent, told: UsageEvent) {
  const view = await viewWithCorrections(deps, after)
  const { id, kind, quantity, reason = '', receivedAt, auditId } = told
  const correction = {
    id,
    kind: kind === 'adjust' ? ('adjust' as const) : ('deprecate' as const),
    ...(kind === 'adjust' && { quantity }),
    reason,
    created_at: receivedAt.toISOString(),
    audit_id: auditId,
  }
  return { ...view, corrections: [...(view.corrections ?? []), correction] }
}
