import { listOf } from '@tallystick/protocol'
import { listPage, operators, overseers } from '@tallystick/runtime'
import { api } from '../api.ts'
import { advanceClock } from './advance-clock.ts'
import { beginAdvance, createClock, findClock, viewClock } from './change-clocks.ts'
import * as wire from './clock-schemas.ts'
import { testClocks } from './collections.ts'

const tags = ['Test clocks']
const writing = { tags, scope: 'billing:write' as const, idempotency: 'required' as const }
const reading = { ...overseers, tags, scope: 'billing:read' as const }
const clock_id = 'clock_01kqxq5t8r0000000000000000'

/** A time of its own for some customers, so that a year of billing passes in seconds. */
export const clocksRouter = api.router({
  create: api
    .procedure({
      ...operators,
      ...writing,
      summary: 'Create a test clock (test mode)',
      errors: ['invalid_state'],
      examples: [{ input: { name: 'A year', now: '2026-01-31T10:00:00.000Z' } }],
      rest: { method: 'POST', path: '/v1/test-clocks', status: 201 },
    })
    .input(wire.clockInput)
    .output(wire.clockView)
    .mutation(({ ctx, input }) => ctx.once(() => createClock(ctx.deps, ctx.caller, input))),

  get: api
    .procedure({
      ...reading,
      summary: 'A test clock',
      errors: ['not_found'],
      examples: [{ input: { clock_id } }],
      rest: { method: 'GET', path: '/v1/test-clocks/{clock_id}' },
    })
    .input(wire.clockIdInput)
    .output(wire.clockView)
    .query(async ({ ctx: { deps, caller }, input }) =>
      viewClock(await findClock(deps, caller.tenant, input.clock_id)),
    ),

  list: api
    .procedure({
      ...reading,
      summary: 'List test clocks, newest first',
      examples: [{ input: {} }],
      rest: { method: 'GET', path: '/v1/test-clocks' },
    })
    .input(wire.listInput)
    .output(listOf(wire.clockView))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/test-clocks' },
        input,
        (query) => deps.store.find(testClocks.byTenant, { equals: [caller.tenant], ...query }),
        viewClock,
      ),
    ),

  advance: api
    .procedure({
      ...operators,
      ...writing,
      summary: 'Let the time of a test clock pass',
      description:
        'All that falls due on the way happens in its order: periods close, trials end, payments are retried, holds and credits expire.',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { clock_id, to: '2026-02-28T10:00:00.000Z' } }],
      rest: { method: 'POST', path: '/v1/test-clocks/{clock_id}/advance' },
    })
    .input(wire.advanceInput)
    .output(wire.clockView)
    .mutation(async ({ ctx: { deps, caller }, input }) => {
      await beginAdvance(deps, caller, input)
      return viewClock(await advanceClock(deps, input.clock_id))
    }),
})
