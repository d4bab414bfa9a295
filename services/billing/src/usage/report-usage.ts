import { Fault } from '@tallystick/protocol'
import { auditEvents } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import type { Write } from '@tallystick/storage'
import type { z } from 'zod'
import { watchUsage } from '../alerts/watch-usage.ts'
import type { Watch } from '../alerts/watch-usage.ts'
import type { Deps } from '../deps.ts'
import { meterEventWrites } from '../stripe/meter-event-writes.ts'
import { usageEvents } from './collections.ts'
import type { Meter, UsageEvent } from './collections.ts'
import { recordOf } from './event-record.ts'
import { feedMeters } from './feed-meters.ts'
import { identify } from './identify-reports.ts'
import type { Identified } from './identify-reports.ts'
import { lateWrites } from './late-usage.ts'
import { metersKnown } from './find-meters.ts'
import { controlsOf, expectControls } from './usage-controls.ts'
import type { Controls } from './usage-controls.ts'
import type { ReportInput, ReportOutcome, reportView } from './usage-schemas.ts'

type View = z.infer<typeof reportView>
type Refusal = NonNullable<ReportOutcome['error']>

/**
 * Records usage: every event once, with its receipt, its effect on all meters and on late usage, in one commit. What
 * has no right is recorded as refused and counts nowhere. What cannot be recorded (unknown customer, outside the
 * window, an id with other content) is refused by itself; reported alone it is a Fault.
 */
export async function reportUsage(
  deps: Deps,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  { events, alone }: ReportInput,
): Promise<Plan<View>> {
  const { tenant } = caller
  const outcomes: (ReportOutcome | undefined)[] = []
  const { fresh, settled } = await identify(deps, caller, events)
  for (const [place, outcome] of settled) outcomes[place] = outcome
  const { epoch, meters } = await metersKnown(deps, tenant, new Set(fresh.map(({ report }) => report.metric)))
  const controls = await controlsOf(deps, tenant, new Set(fresh.map(({ customer }) => customer.id)))
  const refusals = await refusedRights(deps, tenant, fresh)
  const watches = await watchesOf(deps, fresh, { controls, meters })
  const recorded: UsageEvent[] = []
  for (const [at, one] of fresh.entries()) {
    const event = eventOf(one, { tenant, epoch: epoch.epoch, refusal: refusals[at]?.code })
    const cap = await watches.get(one.customer.id)?.admit([{ event, sign: 1n }], { force: false })
    if (cap === undefined) recorded.push(event)
    outcomes[one.place] = cap === undefined ? outcomeOf(event, refusals[at]) : cappedOutcome(event, cap)
    if (cap === undefined) continue
    // The same event again in this report is no duplicate of anything that is recorded.
    for (const [place, { id }] of settled) if (id === one.id) outcomes[place] = cappedOutcome(event, cap)
  }
  const watched = [...watches.values()].flatMap((watch) => watch.writes())
  const all = outcomes.filter((outcome) => outcome !== undefined)
  if (alone) requireRecorded(all[0])
  const made = recorded.length + watched.length > 0
  const writes = made
    ? [epoch.expected, ...watched, ...(await writesOf(deps, caller, { recorded, meters, controls }))]
    : []
  return { writes, answer: viewReport(deps, all) }
}

async function writesOf(
  deps: Deps,
  caller: Pick<Caller, 'tenant' | 'account'>,
  { recorded, meters, controls }: { recorded: UsageEvent[]; meters: readonly Meter[]; controls: Controls },
): Promise<Write[]> {
  const changes = recorded.map((event) => ({ event, sign: 1n as const }))
  const at = deps.now()
  return [
    ...expectControls(controls),
    ...recorded.map((event) => insert(usageEvents, event)),
    ...(await feedMeters(deps, meters, changes)),
    ...lateWrites(controls, meters, recorded),
    ...(await meterEventWrites(deps, meters, recorded)),
    ...auditEvents({
      tenant: caller.tenant,
      at,
      records: recorded.map((event) => recordOf(caller, 'usage.reported', event)),
    }),
  ]
}

async function watchesOf(
  deps: Deps,
  fresh: readonly Identified[],
  { controls, meters }: { controls: Controls; meters: readonly Meter[] },
): Promise<Map<string, Watch>> {
  const watches = new Map<string, Watch>()
  for (const { customer } of fresh) {
    const isWatched = (controls.get(customer.id)?.alerts ?? 0) > 0
    if (isWatched && !watches.has(customer.id))
      watches.set(customer.id, await watchUsage(deps, { customer, meters }))
  }
  return watches
}

/** What licensing says of each event that succeeded; a failed one is not charged, so nothing is asked. */
async function refusedRights(
  deps: Pick<Deps, 'rights'>,
  tenant: string,
  fresh: readonly Identified[],
): Promise<(Refusal | undefined)[]> {
  const asked = fresh.filter(({ report }) => report.success)
  const refusals = new Map<Identified, Refusal>()
  if (asked.length === 0) return []
  const answers = await deps.rights.check(
    tenant,
    asked.map(({ report, customer, licenses, occurredAt }) => ({
      customer: customer.reference,
      items: report.items,
      purpose: report.purpose,
      region: report.region,
      modelId: report.model_id,
      at: occurredAt,
      licenses,
    })),
  )
  for (const [at, one] of asked.entries()) {
    const answer = answers[at]
    if (!answer) throw new Error('licensing did not answer for every use')
    if (!answer.permitted)
      refusals.set(one, { code: answer.code, detail: 'The use had no right; it is recorded and not charged' })
  }
  return fresh.map((one) => refusals.get(one))
}

function eventOf(
  { id, auditId, digest, report, customer, licenses, quantity, occurredAt, receivedAt }: Identified,
  { tenant, epoch, refusal }: { tenant: string; epoch: number; refusal: string | undefined },
): UsageEvent {
  const status = refusal === undefined ? (report.success ? 'accepted' : 'failed') : 'refused'
  return {
    id,
    tenant,
    event: report.event_id,
    kind: 'usage',
    status,
    ...(refusal !== undefined && { refusal }),
    customer: customer.id,
    ...(report.api_key !== undefined && { apiKey: report.api_key }),
    licenses,
    items: report.items,
    metric: report.metric,
    quantity,
    ...(report.model_id !== undefined && { modelId: report.model_id }),
    purpose: report.purpose,
    ...(report.region !== undefined && { region: report.region }),
    dimensions: report.dimensions,
    ...(status === 'accepted' && { effective: quantity }),
    digest,
    epoch,
    occurredAt,
    receivedAt,
    auditId,
  }
}

function outcomeOf({ status, event, id, auditId }: UsageEvent, error: Refusal | undefined): ReportOutcome {
  return { status, event_id: event, id, audit_id: auditId, ...(error && { error }) }
}

/** The tests of a cap come after those of rights, so that nothing is told of a cap to whom nothing is licensed. */
function cappedOutcome({ event }: UsageEvent, detail: string): ReportOutcome {
  return { status: 'refused', event_id: event, error: { code: 'usage_cap_reached', detail } }
}

const faultsAlone = [
  'reference_not_found',
  'event_conflict',
  'validation_failed',
  'usage_cap_reached',
] as const

/** An event that was reported alone and not recorded is refused as a whole, with a status of its own. */
function requireRecorded(outcome: ReportOutcome | undefined): void {
  if (outcome?.id !== undefined || !outcome?.error) return
  const { code, detail } = outcome.error
  const known = faultsAlone.find((one) => one === code)
  if (known === undefined) throw new Error(`an event was refused with ${code}`)
  throw new Fault(known, { detail })
}

/** The answer of these outcomes. */
export function viewReport({ livemode, now }: Pick<Deps, 'livemode' | 'now'>, data: ReportOutcome[]): View {
  const counts = { accepted: 0, failed: 0, duplicate: 0, refused: 0 }
  for (const { status } of data) counts[status]++
  return { object: 'usage_report', livemode, created_at: now().toISOString(), counts, data }
}
