import { Fault } from '@tallystick/protocol'
import { auditEvent } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { prices } from '../prices/collections.ts'
import { meterEpochs, meters } from './collections.ts'
import type { Meter } from './collections.ts'
import { epochOf, findMeter, mostMeters } from './find-meters.ts'
import type { FedMeters } from './find-meters.ts'
import { joinSeries } from './join-series.ts'
import type { MeterInput, meterView } from './meter-schemas.ts'

type View = z.infer<typeof meterView>

/**
 * A new meter. From this commit on every event feeds it; what came before is counted by the builder. Throws Fault
 * `already_exists` for a name that is taken, `invalid_state` where there are as many meters as there may be.
 */
export async function createMeter(deps: Deps, caller: Caller, input: MeterInput): Promise<Plan<View>> {
  const { tenant } = caller
  const epoch = await epochOf(deps, tenant)
  const { items } = await deps.store.find(meters.byName, { equals: [tenant, input.name], limit: 1 })
  if (items[0]) throw new Fault('already_exists', { detail: `There is a meter ${input.name} already` })
  const active = await deps.store.count(meters.feeding, { equals: [tenant] }, { atMost: mostMeters })
  if (active >= mostMeters)
    throw new Fault('invalid_state', { detail: `There are ${mostMeters} meters already: archive one` })
  const { meter, writes } = await joinSeries(deps, {
    id: deps.newId('meter'),
    tenant,
    name: input.name,
    metric: input.metric,
    aggregation: input.aggregation,
    field: input.field ?? 'quantity',
    filters: input.filters,
    groupBy: input.group_by,
    active: true,
    status: 'building',
    epoch: epoch.epoch + 1,
    createdAt: deps.now(),
  })
  return {
    writes: [
      insert(meters, meter),
      ...writes,
      nextEpoch(tenant, epoch),
      told(deps, caller, 'meter.created', meter),
    ],
    answer: viewMeter(deps, meter),
  }
}

/**
 * Closes a meter: later events do not feed it. Throws Fault `invalid_state` while an active price charges it, and until
 * it has counted what came before it: its builder would never end.
 */
export async function archiveMeter(deps: Deps, caller: Caller, id: string): Promise<Plan<View>> {
  const { tenant } = caller
  const epoch = await epochOf(deps, tenant)
  const { version, progress: _, ...before } = await findMeter(deps, tenant, id)
  if (before.status === 'archived') return { writes: [], answer: viewMeter(deps, before) }
  if (before.status === 'building')
    throw new Fault('invalid_state', {
      detail: 'It still counts what came before it: archive it when it is active',
    })
  for await (const price of deps.store.scan(prices.byTenant, { equals: [tenant] })) {
    if (price.active && price.meter === before.id)
      throw new Fault('invalid_state', { detail: `The price ${price.id} charges it: archive that first` })
  }
  const meter: Meter = { ...before, active: false, status: 'archived' }
  return {
    writes: [
      replace(meters, meter, version),
      nextEpoch(tenant, epoch),
      told(deps, caller, 'meter.archived', meter),
    ],
    answer: viewMeter(deps, meter),
  }
}

/** The writes by which a meter is counted anew from its events, into figures apart from the old; see buildMeter. */
export async function restartMeter(
  deps: Pick<Deps, 'store'>,
  tenant: string,
  found: Stored<Meter>,
): Promise<{ meter: Meter; writes: Write[] }> {
  const { version, progress: _, series: _series, joinable: _joinable, ...before } = found
  if (!before.active) throw new Fault('invalid_state', { detail: 'It is archived' })
  const epoch = await epochOf(deps, tenant)
  const next = { ...before, status: 'building' as const, epoch: epoch.epoch + 1 }
  const { meter, writes } = await joinSeries(deps, next)
  return { meter, writes: [replace(meters, meter, version), ...writes, nextEpoch(tenant, epoch)] }
}

/** A meter as the API tells it. */
export function viewMeter({ livemode }: Pick<Deps, 'livemode'>, meter: Meter): View {
  return {
    object: 'meter',
    id: meter.id,
    livemode,
    name: meter.name,
    metric: meter.metric,
    aggregation: meter.aggregation,
    field: meter.field,
    filters: meter.filters,
    group_by: meter.groupBy,
    status: meter.status,
    ...(meter.stripe && { stripe: { event_name: meter.stripe.eventName } }),
    created_at: meter.createdAt.toISOString(),
  }
}

/** The write by which reports see the meters as they are from now on. */
export function nextEpoch(tenant: string, { epoch, version }: FedMeters['epoch']): Write {
  return replace(meterEpochs, { id: tenant, epoch: epoch + 1 }, version)
}

function told(deps: Deps, { account, tenant }: Caller, kind: string, { id, name }: Meter): Write {
  const record = { kind, actor: account, licenses: [], items: [], data: { meter: id, name } }
  return auditEvent({ id: deps.newId('event'), tenant, at: deps.now(), record })
}
