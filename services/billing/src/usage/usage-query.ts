import { Fault } from '@tallystick/protocol'
import { reference, timestamp } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import { z } from 'zod'
import { timeOf } from '../clocks/time-of.ts'
import { customerAsked } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { findMeter } from './find-meters.ts'
import { readUsage } from './read-usage.ts'
import { cutTime, monthOf } from './time-buckets.ts'
import { dayMs, hourMs } from './time-pieces.ts'

/** `GET /v1/usage`. */
export const usageQuery = z.strictObject({
  /** Id or name. */
  meter: reference,
  /** Id or reference; an operator's question without one is about all customers. */
  customer: reference.optional(),
  api_key: reference.optional(),
  license: reference.optional(),
  /** The beginning of the current month unless told. */
  from: timestamp.optional(),
  /** Not included. Until now unless told. */
  before: timestamp.optional(),
  /** Hours are those of UTC, days and months those of the customer's time zone. */
  bucket: z.enum(['hour', 'day', 'month']).optional(),
  group_by: z.array(z.string()).max(5).default([]),
})
type UsageQuery = z.infer<typeof usageQuery>

export const usageView = z
  .strictObject({
    object: z.literal('usage'),
    livemode: z.boolean(),
    meter: z.string(),
    customer: z.string().optional(),
    from: timestamp,
    before: timestamp,
    /** All that was recorded before this moment is in the figures. */
    as_of: timestamp,
    /** The figure of everything; of max, last and unique it is not the sum of the rows. */
    total: z.string(),
    data: z.array(
      z.strictObject({
        from: timestamp,
        before: timestamp,
        group: z.record(z.string(), z.string()),
        quantity: z.string(),
      }),
    ),
  })
  .meta({ id: 'Usage' })

const mostPieces = 1000
const mostDays = 1100

/** Usage as it is counted at this moment. Others than operators and auditors see their own only. */
export async function queryUsage(
  deps: Pick<Deps, 'store' | 'now' | 'livemode'>,
  caller: Pick<Caller, 'tenant' | 'account' | 'role'>,
  query: UsageQuery,
): Promise<z.infer<typeof usageView>> {
  const customer = await customerAsked(deps, caller, query.customer)
  const meter = await findMeter(deps, caller.tenant, query.meter)
  for (const [at, field] of query.group_by.entries()) {
    if (!meter.groupBy.includes(field))
      throw invalid(`/group_by/${at}`, `is not in the meter's group_by (${meter.groupBy.join(', ')})`)
  }
  const asOf = customer ? await timeOf(deps, customer) : deps.now()
  const { from, before, cuts } = timeAsked(query, { asOf, timeZone: customer?.timeZone ?? 'UTC' })
  const { rows, total } = await readUsage(deps, {
    tenant: caller.tenant,
    meter,
    customer: customer?.id,
    apiKey: query.api_key,
    license: query.license,
    cuts,
    groupBy: query.group_by,
  })
  const times = cuts.map((cut) => cut.toISOString())
  return {
    object: 'usage',
    livemode: deps.livemode,
    meter: meter.id,
    ...(customer && { customer: customer.id }),
    from: from.toISOString(),
    before: before.toISOString(),
    as_of: asOf.toISOString(),
    total,
    data: rows.map(({ piece, group, quantity }) => ({
      from: times[piece] ?? '',
      before: times[piece + 1] ?? '',
      group: Object.fromEntries(
        query.group_by.map((field, at) => [field, (group[at] ?? '').replaceAll('\n', ',')]),
      ),
      quantity,
    })),
  }
}

function timeAsked(query: UsageQuery, { asOf, timeZone }: { asOf: Date; timeZone: string }) {
  const from = query.from === undefined ? monthOf(asOf, timeZone).start : new Date(query.from)
  // Events may be minutes ahead: "until now" is all that is there, and whole hours cost no reading of events.
  const before =
    query.before === undefined
      ? new Date((Math.floor(asOf.getTime() / hourMs) + 2) * hourMs)
      : new Date(query.before)
  if (before <= from) throw invalid('/before', 'must be after from')
  if (before.getTime() - from.getTime() > mostDays * dayMs)
    throw invalid('/from', `and before may lie ${mostDays} days apart at most`)
  const cuts = cutTime({ from, before, bucket: query.bucket, timeZone }, mostPieces)
  if (!cuts) throw invalid('/bucket', `cuts this time into more than ${mostPieces} pieces`)
  return { from, before, cuts }
}

function invalid(pointer: string, message: string): Fault {
  return new Fault('validation_failed', { errors: [{ pointer, message }] })
}
