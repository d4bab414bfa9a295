import { listOf } from '@tallystick/protocol'
import { listPage, operators, parties, reachesTenant } from '@tallystick/runtime'
import type { Caller, Plan } from '@tallystick/runtime'
import type { Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { api } from '../api.ts'
import { timeOf } from '../clocks/time-of.ts'
import { findCustomer } from '../customers/find-customer.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { changeSubscription } from './change-subscription.ts'
import { subscriptions } from './collections.ts'
import { createSubscription } from './create-subscription.ts'
import { cancelSubscription, pauseSubscription, resumeSubscription } from './end-subscription.ts'
import { findSubscription } from './find-subscription.ts'
import type { Subscription } from './find-subscription.ts'
import { catchUp } from './run-billing.ts'
import * as wire from './subscription-schemas.ts'
import { viewSubscription } from './subscription-view.ts'

const tags = ['Subscriptions']
const writing = { tags, scope: 'billing:write' as const, idempotency: 'required' as const }
const reading = { tags, scope: 'billing:read' as const }
const customer = 'cus_01kqxq5t8r0000000000000000'
const plan = 'plan_01kqxq5t8r0000000000000000'
const subscription_id = 'sub_01kqxq5t8r0000000000000000'

type Found = { subscription: Stored<Subscription>; customer: Customer }

/** What customers are charged for again and again. */
export const subscriptionsRouter = api.router({
  create: api
    .procedure({
      ...parties,
      ...writing,
      summary: 'Subscribe a customer to a plan, to prices or to licenses',
      description:
        'Flat and seat prices are charged ahead, usage at the end of each period; a license as its own pricing says.',
      errors: ['reference_not_found'],
      examples: [
        { name: 'A plan', input: { customer, plan, trial_days: 14 } },
        { name: 'A license', input: { customer, items: [{ license: 'lic_01kqxq5t8r0000000000000000' }] } },
      ],
      rest: { method: 'POST', path: '/v1/subscriptions', status: 201 },
    })
    .input(wire.subscriptionInput)
    .output(wire.subscriptionView)
    .mutation(({ ctx, input }) =>
      ctx.once(async () => viewed(ctx.deps, await createSubscription(ctx.deps, ctx.caller, input))),
    ),

  get: api
    .procedure({
      ...reading,
      summary: 'A subscription',
      errors: ['not_found'],
      examples: [{ input: { subscription_id } }],
      rest: { method: 'GET', path: '/v1/subscriptions/{subscription_id}' },
    })
    .input(wire.subscriptionIdInput)
    .output(wire.subscriptionView)
    .query(async ({ ctx: { deps, caller }, input }) => {
      const { subscription } = await findSubscription(deps, caller, input.subscription_id)
      return viewSubscription(deps, subscription)
    }),

  list: api
    .procedure({
      ...reading,
      summary: 'List subscriptions, newest first',
      description: 'By customer or by status. Keys of customers name their customer.',
      errors: ['not_found'],
      examples: [{ input: { status: 'active' } }],
      rest: { method: 'GET', path: '/v1/subscriptions' },
    })
    .input(wire.listInput)
    .output(listOf(wire.subscriptionView))
    .query(async ({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      if (input.customer !== undefined || !reachesTenant(caller))
        await findCustomer(deps, caller, input.customer ?? '')
      const { index, equals } = filterOf(tenant, input)
      return listPage(
        { tenant, url: '/v1/subscriptions' },
        input,
        (query) => deps.store.find(index, { equals, ...query }),
        (found) => viewSubscription(deps, found),
      )
    }),

  change: api
    .procedure({
      ...parties,
      ...writing,
      summary: 'Upgrade, downgrade, or change seats',
      errors: ['not_found', 'invalid_state', 'reference_not_found'],
      examples: [{ input: { subscription_id, plan, when: 'period_end' } }],
      rest: { method: 'POST', path: '/v1/subscriptions/{subscription_id}/change' },
    })
    .input(wire.changeInput)
    .output(wire.subscriptionView)
    .mutation(({ ctx, input }) =>
      act(ctx, input, (found) => changeSubscription(ctx.deps, ctx.caller, found, input)),
    ),

  pause: api
    .procedure({
      ...operators,
      ...writing,
      summary: 'Pause a subscription: its period is closed now',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { subscription_id } }],
      rest: { method: 'POST', path: '/v1/subscriptions/{subscription_id}/pause' },
    })
    .input(wire.subscriptionIdInput)
    .output(wire.subscriptionView)
    .mutation(({ ctx, input }) => act(ctx, input, (found) => pauseSubscription(ctx.deps, ctx.caller, found))),

  resume: api
    .procedure({
      ...operators,
      ...writing,
      summary: 'Go on with a subscription that is paused or about to end',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { subscription_id } }],
      rest: { method: 'POST', path: '/v1/subscriptions/{subscription_id}/resume' },
    })
    .input(wire.subscriptionIdInput)
    .output(wire.subscriptionView)
    .mutation(({ ctx, input }) =>
      act(ctx, input, (found) => resumeSubscription(ctx.deps, ctx.caller, found)),
    ),

  cancel: api
    .procedure({
      ...parties,
      ...writing,
      summary: 'End a subscription, with its period or now',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { subscription_id, when: 'period_end' } }],
      rest: { method: 'POST', path: '/v1/subscriptions/{subscription_id}/cancel' },
    })
    .input(wire.cancelInput)
    .output(wire.subscriptionView)
    .mutation(({ ctx, input }) =>
      act(ctx, input, (found) => cancelSubscription(ctx.deps, ctx.caller, found, input.when)),
    ),
})

interface Acting {
  deps: Deps
  caller: Caller
  once<T>(plan: () => Promise<Plan<T>>): Promise<T>
}

/** Does something to a subscription whose periods up to now are closed. */
async function act(
  { deps, caller, once }: Acting,
  { subscription_id: id }: { subscription_id: string },
  deed: (found: Found) => Promise<Plan<Subscription>>,
): Promise<z.infer<typeof wire.subscriptionView>> {
  const before = await findSubscription(deps, caller, id)
  await catchUp(deps, before.subscription, await timeOf(deps, before.customer))
  return once(async () => viewed(deps, await deed(await findSubscription(deps, caller, id))))
}

function viewed(deps: Deps, { writes, answer }: Plan<Subscription>) {
  return { writes, answer: viewSubscription(deps, answer) }
}

function filterOf(tenant: string, { customer: of, status }: z.infer<typeof wire.listInput>) {
  if (of !== undefined) return { index: subscriptions.byCustomer, equals: [tenant, of] }
  if (status !== undefined) return { index: subscriptions.byStatus, equals: [tenant, status] }
  return { index: subscriptions.byTenant, equals: [tenant] }
}
