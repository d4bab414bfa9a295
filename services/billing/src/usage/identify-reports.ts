import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { auditIdOf } from '@tallystick/receipt'
import type { Caller } from '@tallystick/runtime'
import { timeOf } from '../clocks/time-of.ts'
import { reachedCustomer } from '../customers/find-customer.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { usageEvents } from './collections.ts'
import type { UsageEvent } from './collections.ts'
import { fromScaled, toScaled } from './scaled.ts'
import type { ReportOutcome, UsageReport } from './usage-schemas.ts'

/** A reported event that is new, of a known customer and within the window; it only needs a right. */
export interface Identified {
  /** Its position in the report. */
  place: number
  id: string
  auditId: string
  digest: string
  report: UsageReport
  customer: Customer
  licenses: string[]
  quantity: string
  occurredAt: Date
  receivedAt: Date
}

const aheadMs = 5 * 60_000
const dayMs = 86_400_000

/** The document id of a tenant's event. */
export function usageIdOf(tenant: string, event: string): string {
  return derivedId('usage', hash('sha256', JSON.stringify([tenant, event])))
}

/** The id of the event in the outbox and the audit log that tells of a usage document. */
export function eventIdOf(usageId: string): string {
  return `evt_${usageId.slice(usageId.indexOf('_') + 1)}`
}

/** Tells new events from those that are settled already: seen before, or not to be recorded. */
export async function identify(
  deps: Pick<Deps, 'store' | 'now' | 'lateUsageDays'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  reports: readonly UsageReport[],
): Promise<{ fresh: Identified[]; settled: Map<number, ReportOutcome> }> {
  const { tenant } = caller
  const ids = reports.map(({ event_id }) => usageIdOf(tenant, event_id))
  const [known, payers] = await Promise.all([
    deps.store.getMany(usageEvents, ids),
    customersOf(deps, caller, reports),
  ])
  const settled = new Map<number, ReportOutcome>()
  const fresh = new Map<string, Identified>()
  for (const [place, report] of reports.entries()) {
    const payer = payers.get(report.customer)
    if (!payer) {
      const { customer = `for the account ${caller.account}` } = report
      settled.set(place, refused(report, 'reference_not_found', `There is no customer ${customer}`))
      continue
    }
    const one = identified(caller, { place, report, payer, id: ids[place] ?? '' })
    const before = known[place] ?? fresh.get(one.id)
    const outside = before ? undefined : outsideWindow(one, deps.lateUsageDays)
    if (before) settled.set(place, again(one, before))
    else if (outside) settled.set(place, refused(report, 'validation_failed', outside))
    else fresh.set(one.id, one)
  }
  return { fresh: [...fresh.values()], settled }
}

interface Payer {
  customer: Customer
  /** The time that holds for the customer. */
  now: Date
}

async function customersOf(
  deps: Pick<Deps, 'store' | 'now'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  reports: readonly UsageReport[],
): Promise<Map<string | undefined, Payer>> {
  const payers = new Map<string | undefined, Payer>()
  for (const name of new Set(reports.map(({ customer }) => customer))) {
    const customer = await reachedCustomer(deps, caller, name)
    if (customer === undefined) continue
    payers.set(name, { customer, now: await timeOf(deps, customer) })
  }
  return payers
}

function identified(
  { tenant }: Pick<Caller, 'tenant'>,
  { place, report, payer, id }: { place: number; report: UsageReport; payer: Payer; id: string },
): Identified {
  const { customer, now } = payer
  const licenses = [
    ...new Set([...(report.license_id === undefined ? [] : [report.license_id]), ...report.licenses]),
  ]
  const quantity = fromScaled(toScaled(report.quantity))
  const occurredAt = report.occurred_at === undefined ? now : new Date(report.occurred_at)
  const digest = digestOf(report, { customer: customer.id, licenses, quantity })
  const auditId = auditIdOf(tenant, eventIdOf(id))
  return { place, id, auditId, digest, report, customer, licenses, quantity, occurredAt, receivedAt: now }
}

/** Tells contents apart: what was sent, with its meaning alone and without defaults that depend on the moment. */
function digestOf(
  report: UsageReport,
  { customer, licenses, quantity }: { customer: string; licenses: readonly string[]; quantity: string },
): string {
  const { api_key, items, metric, model_id, purpose, region, dimensions, occurred_at, success } = report
  const at = occurred_at === undefined ? null : new Date(occurred_at).getTime()
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))
  const content = [
    customer,
    api_key,
    licenses,
    items,
    metric,
    quantity,
    model_id,
    purpose,
    region,
    sorted,
    at,
    success,
  ]
  return hash('sha256', JSON.stringify(content), 'base64url')
}

function outsideWindow({ occurredAt, receivedAt }: Identified, days: number): string | undefined {
  const age = receivedAt.getTime() - occurredAt.getTime()
  if (age > days * dayMs)
    return `It occurred more than ${days} days ago: correct the invoice by a credit note`
  return age < -aheadMs ? 'It would occur more than 5 minutes from now' : undefined
}

function again(one: Identified, before: UsageEvent | Identified): ReportOutcome {
  if (before.digest !== one.digest)
    return refused(one.report, 'event_conflict', 'The event id was used for other content')
  const { event_id } = one.report
  const status = 'report' in before ? undefined : before.status
  return {
    status: 'duplicate',
    event_id,
    id: before.id,
    audit_id: before.auditId,
    ...(status && { first_status: status }),
    ...('report' in before || before.refusal === undefined
      ? {}
      : { error: { code: before.refusal, detail: 'The use had no right; it is recorded and not charged' } }),
  }
}

function refused({ event_id }: UsageReport, code: string, detail: string): ReportOutcome {
  return { status: 'refused', event_id, error: { code, detail } }
}
