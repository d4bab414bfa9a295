import { listOf } from '@tallystick/protocol'
import { listPage, operators } from '@tallystick/runtime'
import { api } from '../api.ts'
import { buildMeter, rebuildAggregates } from './build-meter.ts'
import { meters } from './collections.ts'
import { archiveMeter, createMeter, viewMeter } from './create-meter.ts'
import { findMeter } from './find-meters.ts'
import { meterIdInput, meterInput, meterListInput, meterView } from './meter-schemas.ts'

const tags = ['Meters']
const meter_id = 'meter_01kqxq5t8r0000000000000000'
// 10,000 events; what is left after that is built by the background job.
const pagesAtOnce = 20

/** How events are counted. */
export const metersRouter = api.router({
  create: api
    .procedure({
      ...operators,
      tags,
      summary: 'Create a meter',
      description:
        'It counts what was reported before it too; `status` is `building` until that is done, and queries are exact all the while.',
      scope: 'billing:write',
      errors: ['already_exists', 'invalid_state'],
      idempotency: 'required',
      examples: [
        { input: { name: 'tokens', metric: 'tokens', aggregation: 'sum', group_by: ['dimensions.country'] } },
        { input: { name: 'models', metric: 'tokens', aggregation: 'unique', field: 'model_id' } },
      ],
      rest: { method: 'POST', path: '/v1/meters', status: 201 },
    })
    .input(meterInput)
    .output(meterView)
    .mutation(async ({ ctx, input }) => {
      const made = await ctx.once(() => createMeter(ctx.deps, ctx.caller, input))
      await buildMeter(ctx.deps, made.id, pagesAtOnce)
      return made
    }),

  get: api
    .procedure({
      tags,
      summary: 'A meter',
      scope: 'usage:read',
      errors: ['not_found'],
      examples: [{ input: { meter_id } }],
      rest: { method: 'GET', path: '/v1/meters/{meter_id}' },
    })
    .input(meterIdInput)
    .output(meterView)
    .query(async ({ ctx: { deps, caller }, input }) =>
      viewMeter(deps, await findMeter(deps, caller.tenant, input.meter_id)),
    ),

  list: api
    .procedure({
      tags,
      summary: 'List meters, newest first',
      scope: 'usage:read',
      examples: [{ input: {} }],
      rest: { method: 'GET', path: '/v1/meters' },
    })
    .input(meterListInput)
    .output(listOf(meterView))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/meters' },
        input,
        (query) => deps.store.find(meters.byTenant, { equals: [caller.tenant], ...query }),
        (meter) => viewMeter(deps, meter),
      ),
    ),

  archive: api
    .procedure({
      ...operators,
      tags,
      summary: 'Close a meter: later events do not feed it',
      scope: 'billing:write',
      errors: ['not_found', 'invalid_state'],
      idempotency: 'required',
      examples: [{ input: { meter_id } }],
      rest: { method: 'POST', path: '/v1/meters/{meter_id}/archive' },
    })
    .input(meterIdInput)
    .output(meterView)
    .mutation(({ ctx, input }) => ctx.once(() => archiveMeter(ctx.deps, ctx.caller, input.meter_id))),

  rebuild: api
    .procedure({
      ...operators,
      tags,
      summary: 'Count a meter anew from its events',
      description:
        'Gives the figures that it had; for after a restored backup. Events may come in meanwhile.',
      scope: 'admin',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { meter_id } }],
      rest: { method: 'POST', path: '/v1/meters/{meter_id}/rebuild' },
    })
    .input(meterIdInput)
    .output(meterView)
    .mutation(async ({ ctx: { deps, caller }, input }) =>
      viewMeter(deps, await rebuildAggregates(deps, caller.tenant, input.meter_id)),
    ),
})
