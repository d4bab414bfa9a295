import { listOf } from '@tallystick/protocol'
import { listPage, operators, parties } from '@tallystick/runtime'
import { api } from '../api.ts'
import { customerAsked } from '../customers/find-customer.ts'
import { againAfterDuplicate } from './again-after-duplicate.ts'
import { usageEvents } from './collections.ts'
import { correctUsage } from './correct-usage.ts'
import { announcingCaps } from './announce-caps.ts'
import { inParts } from './report-in-parts.ts'
import { reportUsage } from './report-usage.ts'
import { queryUsage, usageQuery, usageView } from './usage-query.ts'
import * as wire from './usage-schemas.ts'
import { findEvent, viewEvent, viewWithCorrections } from './view-event.ts'

const tags = ['Usage']
const event = {
  event_id: 'training-run-42:step-1',
  customer: 'dev_456',
  license_id: 'lic_01kqxq5t8r0000000000000000',
  metric: 'tokens',
  quantity: '150000',
  model_id: 'model-1',
  purpose: 'train',
  region: 'DE',
  dimensions: { country: 'DE' },
}

/** Reports of usage, their corrections, and what they amount to. */
export const usageRouter = api.router({
  report: api
    .procedure({
      ...parties,
      tags,
      summary: 'Report usage, one event or up to 1,000',
      description:
        'Each event id counts once, for ever. Every event is checked against rights and gets a receipt. An event that is refused does not hold up the others; reported alone, one that cannot be recorded is a problem document.',
      scope: 'usage:write',
      errors: ['reference_not_found', 'event_conflict', 'usage_cap_reached'],
      idempotency: 'accepted',
      examples: [
        { name: 'One event', input: event },
        { name: 'Several', input: { events: [event, { ...event, event_id: 'training-run-42:step-2' }] } },
      ],
      rest: { method: 'POST', path: '/v1/usage-reports', status: 201 },
    })
    .input(wire.reportInput)
    .output(wire.reportView)
    .mutation(({ ctx, input }) =>
      announcingCaps(ctx.deps, ctx.caller, input, () =>
        inParts(ctx.deps, ctx.caller, input, () =>
          againAfterDuplicate(() => ctx.once(() => reportUsage(ctx.deps, ctx.caller, input))),
        ),
      ),
    ),

  adjust: api
    .procedure({
      ...operators,
      tags,
      summary: 'Correct the quantity of an event',
      description: 'The event as it was reported stays; what counts is the last correction.',
      scope: 'usage:write',
      errors: ['not_found', 'invalid_state'],
      idempotency: 'required',
      examples: [
        {
          input: { event_id: 'training-run-42:step-1', quantity: '149000', reason: 'Counted a retry twice' },
        },
      ],
      rest: { method: 'POST', path: '/v1/usage-reports/{event_id}/adjust' },
    })
    .input(wire.adjustInput)
    .output(wire.usageEventView)
    .mutation(({ ctx, input }) =>
      againAfterDuplicate(() => ctx.once(() => correctUsage(ctx.deps, ctx.caller, input))),
    ),

  deprecate: api
    .procedure({
      ...operators,
      tags,
      summary: 'Take an event out of what counts',
      scope: 'usage:write',
      errors: ['not_found', 'invalid_state'],
      idempotency: 'required',
      examples: [{ input: { event_id: 'training-run-42:step-1', reason: 'Reported by mistake' } }],
      rest: { method: 'POST', path: '/v1/usage-reports/{event_id}/deprecate' },
    })
    .input(wire.deprecateInput)
    .output(wire.usageEventView)
    .mutation(({ ctx, input }) =>
      againAfterDuplicate(() => ctx.once(() => correctUsage(ctx.deps, ctx.caller, input))),
    ),

  get: api
    .procedure({
      tags,
      summary: 'A reported event with its corrections',
      scope: 'usage:read',
      errors: ['not_found'],
      examples: [{ input: { event_id: 'training-run-42:step-1' } }],
      rest: { method: 'GET', path: '/v1/usage-reports/{event_id}' },
    })
    .input(wire.eventInput)
    .output(wire.usageEventView)
    .query(async ({ ctx: { deps, caller }, input }) =>
      viewWithCorrections(deps, await findEvent(deps, caller, input.event_id)),
    ),

  list: api
    .procedure({
      tags,
      summary: 'List events and corrections by when they occurred, newest first',
      scope: 'usage:read',
      errors: ['not_found'],
      examples: [{ input: { customer: 'dev_456' } }],
      rest: { method: 'GET', path: '/v1/usage-reports' },
    })
    .input(wire.eventListInput)
    .output(listOf(wire.usageEventView))
    .query(async ({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      const customer = (await customerAsked(deps, caller, input.customer))?.id
      return listPage(
        { tenant, url: '/v1/usage-reports' },
        input,
        (query) =>
          customer === undefined
            ? deps.store.find(usageEvents.byTenant, { equals: [tenant], ...query })
            : deps.store.find(usageEvents.byCustomer, { equals: [tenant, customer], ...query }),
        (one) => viewEvent(deps, one),
      )
    }),

  query: api
    .procedure({
      tags,
      summary: 'What a meter counted, as of now',
      description:
        'Exact. Every meter keeps customers, API keys and licenses apart. Figures of a key and a license together, and of either where items or licenses are counted once, come from the events, up to 100,000 of them, unless the meter has that field in its group_by.',
      scope: 'usage:read',
      errors: ['not_found'],
      examples: [
        {
          input: {
            meter: 'tokens',
            customer: 'dev_456',
            from: '2026-01-01T00:00:00.000Z',
            before: '2026-02-01T00:00:00.000Z',
            bucket: 'day',
            group_by: ['dimensions.country'],
          },
        },
      ],
      rest: { method: 'GET', path: '/v1/usage' },
    })
    .input(usageQuery)
    .output(usageView)
    .query(({ ctx, input }) => queryUsage(ctx.deps, ctx.caller, input)),
})
