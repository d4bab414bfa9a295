import { listOf } from '@tallystick/protocol'
import { listPage, operators, overseers } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from '../api.ts'
import type { Deps } from '../deps.ts'
import { findMeter } from '../usage/find-meters.ts'
import { meterView } from '../usage/meter-schemas.ts'
import { stripeMeterEvents } from './collections.ts'
import type { MeterEvent } from './collections.ts'
import { linkMeter } from './link-meter.ts'
import { tellAnew } from './meter-event-writes.ts'
import * as wire from './meter-event-schemas.ts'
import { resolveMeterEvent } from './resolve-meter-event.ts'

const tags = ['Stripe meters']
const meter_id = 'meter_01kqxq5t8r0000000000000000'

/** What meters of Stripe are told of usage. */
export const meterEventsRouter = api.router({
  link: api
    .procedure({
      ...operators,
      tags,
      summary: 'Link a meter to a meter of Stripe',
      description:
        'What it counts of customers of Stripe from then on is told there as meter events, each once; null ends the link.',
      scope: 'billing:write',
      errors: ['not_found', 'invalid_state', 'already_exists'],
      idempotency: 'required',
      examples: [{ input: { meter_id, event_name: 'api_tokens' } }],
      rest: { method: 'POST', path: '/v1/meters/{meter_id}/stripe' },
    })
    .input(wire.linkInput)
    .output(meterView)
    .mutation(({ ctx, input }) => ctx.once(() => linkMeter(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      ...overseers,
      tags,
      summary: 'List meter events of Stripe, newest first',
      description:
        'What was sent, waits, was refused or could not be corrected. What is done with is kept for 90 days.',
      scope: 'billing:read',
      examples: [{ input: { status: 'refused' } }],
      rest: { method: 'GET', path: '/v1/stripe-meter-events' },
    })
    .input(wire.meterEventListInput)
    .output(listOf(wire.meterEventView))
    .query(({ ctx: { deps, caller }, input }) => {
      const { index, equals } = filterOf(caller.tenant, input)
      return listPage(
        { tenant: caller.tenant, url: '/v1/stripe-meter-events' },
        input,
        (query) => deps.store.find(index, { equals, ...query }),
        (event) => viewMeterEvent(deps, event),
      )
    }),

  retry: api
    .procedure({
      ...operators,
      tags,
      summary: 'Tell Stripe again what it refused of a meter',
      description:
        'After the meter or the customer was put in order there. What it has taken is not told again.',
      scope: 'billing:write',
      errors: ['not_found'],
      idempotency: 'required',
      examples: [{ input: { meter: meter_id } }],
      rest: { method: 'POST', path: '/v1/stripe-meter-events/retry' },
    })
    .input(wire.retryInput)
    .output(wire.retryView)
    .mutation(({ ctx, input }) => ctx.once(() => retryRefused(ctx.deps, ctx.caller, input))),

  resolve: api
    .procedure({
      ...operators,
      tags,
      summary: 'Say whether Stripe counts a meter event that is unsure',
      description:
        'After a look at the meter there. What is counted is `sent`, or `standing` where it was corrected here; what is not is told again, or its correction is.',
      scope: 'billing:write',
      errors: ['not_found', 'invalid_state'],
      idempotency: 'required',
      examples: [{ input: { meter_event_id: 'mev_01kqxq5t8r0000000000000000', counted: true } }],
      rest: { method: 'POST', path: '/v1/stripe-meter-events/{meter_event_id}/resolve' },
    })
    .input(wire.resolveInput)
    .output(wire.meterEventView)
    .mutation(({ ctx, input: { meter_event_id: id, counted } }) =>
      ctx.once(async () => {
        const { writes, answer } = await resolveMeterEvent(ctx.deps, ctx.caller, { id, counted })
        return { writes, answer: viewMeterEvent(ctx.deps, answer) }
      }),
    ),
})

async function retryRefused(
  deps: Deps,
  caller: Caller,
  { meter: name, limit }: z.infer<typeof wire.retryInput>,
): Promise<Plan<z.infer<typeof wire.retryView>>> {
  const { tenant } = caller
  const { id: meter } = await findMeter(deps, tenant, name)
  const equals = [tenant, meter, 'refused']
  const { items, next } = await deps.store.find(stripeMeterEvents.byMeterStatus, {
    equals,
    order: 'asc',
    limit,
  })
  const now = deps.now()
  const writes = items.flatMap((event) => tellAnew(event, now))
  const about = { object: 'stripe_meter_event_retry' as const, livemode: deps.livemode, meter }
  return { writes, answer: { ...about, retried: items.length, has_more: next !== undefined } }
}

function filterOf(tenant: string, { status, meter }: z.infer<typeof wire.meterEventListInput>) {
  if (meter !== undefined && status !== undefined)
    return { index: stripeMeterEvents.byMeterStatus, equals: [tenant, meter, status] }
  if (meter !== undefined) return { index: stripeMeterEvents.byMeter, equals: [tenant, meter] }
  if (status !== undefined) return { index: stripeMeterEvents.byStatus, equals: [tenant, status] }
  return { index: stripeMeterEvents.byTenant, equals: [tenant] }
}

function viewMeterEvent(
  { livemode }: Pick<Deps, 'livemode'>,
  event: MeterEvent,
): z.infer<typeof wire.meterEventView> {
  const { id, status, meter, customer, value, attempts, sentAt, dueAt, failure, replaces } = event
  return {
    object: 'stripe_meter_event',
    id,
    livemode,
    status,
    meter,
    usage: event.event,
    customer,
    stripe_customer: event.stripeCustomer,
    event_name: event.eventName,
    value,
    occurred_at: event.occurredAt.toISOString(),
    attempts,
    ...(sentAt && { sent_at: sentAt.toISOString() }),
    ...(dueAt && { next_attempt_at: dueAt.toISOString() }),
    ...(failure && { failure }),
    ...(replaces !== undefined && { replaces }),
    created_at: event.createdAt.toISOString(),
  }
}
