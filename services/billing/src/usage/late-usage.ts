import { hash } from 'node:crypto'
import { increment, remove } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { lateUsage } from './collections.ts'
import type { Meter, UsageEvent } from './collections.ts'
import { isCounted } from './event-fields.ts'
import { hourOf } from './feed-meters.ts'
import { changeControl, controlsOf } from './usage-controls.ts'
import type { Controls } from './usage-controls.ts'

/** An hour of a meter of a customer that was invoiced and has changed since. */
export type LateUsage = Stored<z.infer<typeof lateUsage.schema>>

/** The writes that tell the next billing run which invoiced hours have changed. */
export function lateWrites(
  controls: Controls,
  meters: readonly Meter[],
  events: readonly UsageEvent[],
): Write[] {
  const found = new Map<string, Write>()
  for (const event of events) {
    const { tenant, customer, occurredAt } = event
    const until = controls.get(customer)?.billedUntil
    if (until === undefined || occurredAt >= until || event.effective === undefined) continue
    const hour = hourOf(occurredAt)
    for (const meter of meters) {
      if (!isCounted(meter, event)) continue
      const id = hash('sha256', JSON.stringify([customer, meter.id, hour.getTime()]), 'base64url')
      const create = { tenant, customer, meter: meter.id, hour }
      if (!found.has(id)) found.set(id, increment(lateUsage, id, { changes: 1n }, {}, create))
    }
  }
  return [...found.values()]
}

/**
 * The write that begins the billing of a customer's usage up to `until`: commit it BEFORE the usage is read. From then
 * on everything that lands before `until` is noted as late, so between reading and invoicing nothing is lost.
 */
export async function markBilled(
  { store }: Pick<Deps, 'store'>,
  { tenant, customer, until }: { tenant: string; customer: string; until: Date },
): Promise<Write[]> {
  const found = (await controlsOf({ store }, tenant, new Set([customer]))).get(customer)
  if (!found) throw new Error(`the usage controls of ${customer} are gone`)
  if (found.billedUntil !== undefined && found.billedUntil >= until) return []
  return changeControl(found, { billedUntil: until })
}

/** What changed in a customer's hours after they were invoiced, oldest first. */
export async function lateUsageOf(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  customer: string,
): Promise<LateUsage[]> {
  const late: LateUsage[] = []
  for await (const one of store.scan(lateUsage.byCustomer, { equals: [tenant, customer] })) late.push(one)
  return late
}

/** The write that settles what was late; StaleVersion when more has come since it was read. */
export function clearLateUsage({ id, version }: LateUsage): Write {
  return remove(lateUsage, id, version)
}
