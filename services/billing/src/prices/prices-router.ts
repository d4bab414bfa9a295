import { listOf } from '@tallystick/protocol'
import { listPage, operators } from '@tallystick/runtime'
import { api } from '../api.ts'
import {
  archivePrice,
  createPlan,
  createPrice,
  findPlan,
  findPrice,
  viewPlan,
  viewPrice,
} from './change-prices.ts'
import { plans, prices } from './collections.ts'
import * as wire from './price-schemas.ts'
import { quotePrice } from './quote-price.ts'

const tags = ['Prices']
const writing = { tags, scope: 'billing:write' as const, idempotency: 'required' as const }
const reading = { tags, scope: 'billing:read' as const }
const price_id = 'price_01kqxq5t8r0000000000000000'
const tokens = { model: 'per_unit', currency: 'USD', unit_amount: '0.001' }

/** Prices, what usage would cost under them, and plans of several. */
export const pricesRouter = api.router({
  create: api
    .procedure({
      ...operators,
      ...writing,
      summary: 'Create a price',
      errors: ['reference_not_found'],
      examples: [
        { input: { name: 'Tokens', definition: tokens, meter: 'meter_01kqxq5t8r0000000000000000' } },
      ],
      rest: { method: 'POST', path: '/v1/prices', status: 201 },
    })
    .input(wire.priceInput)
    .output(wire.priceView)
    .mutation(({ ctx, input }) => ctx.once(() => createPrice(ctx.deps, ctx.caller, input))),

  archive: api
    .procedure({
      ...operators,
      ...writing,
      summary: 'Close a price to new subscriptions',
      errors: ['not_found'],
      examples: [{ input: { price_id } }],
      rest: { method: 'POST', path: '/v1/prices/{price_id}/archive' },
    })
    .input(wire.priceIdInput)
    .output(wire.priceView)
    .mutation(({ ctx, input }) => ctx.once(() => archivePrice(ctx.deps, ctx.caller, input.price_id))),

  get: api
    .procedure({
      ...reading,
      summary: 'A price',
      errors: ['not_found'],
      examples: [{ input: { price_id } }],
      rest: { method: 'GET', path: '/v1/prices/{price_id}' },
    })
    .input(wire.priceIdInput)
    .output(wire.priceView)
    .query(async ({ ctx: { deps, caller }, input }) =>
      viewPrice(deps, await findPrice(deps, caller.tenant, input.price_id)),
    ),

  list: api
    .procedure({
      ...reading,
      summary: 'List prices, newest first',
      examples: [{ input: {} }],
      rest: { method: 'GET', path: '/v1/prices' },
    })
    .input(wire.listInput)
    .output(listOf(wire.priceView))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/prices' },
        input,
        (query) => deps.store.find(prices.byTenant, { equals: [caller.tenant], ...query }),
        (price) => viewPrice(deps, price),
      ),
    ),

  quote: api
    .procedure({
      ...reading,
      summary: 'What some usage would cost, line by line, without touching anything',
      errors: ['not_found'],
      examples: [{ input: { price_id, quantity: '65000' } }],
      rest: { method: 'POST', path: '/v1/prices/{price_id}/quote' },
    })
    .input(wire.quoteInput)
    .output(wire.quoteView)
    .mutation(({ ctx, input }) => quotePrice(ctx.deps, ctx.caller.tenant, input)),
})

/** Prices that are subscribed to together. */
export const plansRouter = api.router({
  create: api
    .procedure({
      ...operators,
      ...writing,
      summary: 'Create a plan of prices',
      errors: ['reference_not_found'],
      examples: [{ input: { name: 'Standard', prices: [price_id] } }],
      rest: { method: 'POST', path: '/v1/plans', status: 201 },
    })
    .input(wire.planInput)
    .output(wire.planView)
    .mutation(({ ctx, input }) => ctx.once(() => createPlan(ctx.deps, ctx.caller, input))),

  get: api
    .procedure({
      ...reading,
      summary: 'A plan',
      errors: ['not_found'],
      examples: [{ input: { plan_id: 'plan_01kqxq5t8r0000000000000000' } }],
      rest: { method: 'GET', path: '/v1/plans/{plan_id}' },
    })
    .input(wire.planIdInput)
    .output(wire.planView)
    .query(async ({ ctx: { deps, caller }, input }) =>
      viewPlan(deps, await findPlan(deps, caller.tenant, input.plan_id)),
    ),

  list: api
    .procedure({
      ...reading,
      summary: 'List plans, newest first',
      examples: [{ input: {} }],
      rest: { method: 'GET', path: '/v1/plans' },
    })
    .input(wire.listInput)
    .output(listOf(wire.planView))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/plans' },
        input,
        (query) => deps.store.find(plans.byTenant, { equals: [caller.tenant], ...query }),
        (plan) => viewPlan(deps, plan),
      ),
    ),
})
