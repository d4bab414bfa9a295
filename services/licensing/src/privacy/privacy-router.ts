import { idSchema, listOf, pageInput } from '@tallystick/protocol'
import { listPage, operators } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from '../api.ts'
import { legalHolds, retentionPolicies, subjectRequests } from './collections.ts'
import { findHold, holdView, placeHold, releaseHold } from './legal-holds.ts'
import { createPolicy, dryRun, findPolicy, policyView, retirePolicy } from './retention-policies.ts'
import * as wire from './schemas.ts'
import { subjectData } from './subject-data.ts'
import { createSubjectRequest, findSubjectRequest, requestView } from './subject-requests.ts'

const tags = ['Privacy']
const ids = {
  request: 'dsr_01kqxq5t8r0000000000000000',
  policy: 'ret_01kqxq5t8r0000000000000000',
  hold: 'hold_01kqxq5t8r0000000000000000',
}
const requestId = z.strictObject({ request_id: idSchema('subjectRequest') })
const policyId = z.strictObject({ policy_id: idSchema('retentionPolicy') })
const holdId = z.strictObject({ hold_id: idSchema('hold') })

/** Requests of people for their data. */
const subjectRequestRoutes = {
  create: api
    .procedure({
      tags,
      summary: 'Ask for the erasure or the export of a person’s data',
      description:
        'An erasure runs by itself: consents go, the person’s name and metadata go from items, datasets, offers and ended agreements, the name goes wherever else it stands, the account and the customer lose theirs, and the bodies of audit records that name the person are erased. Agreements in force, under a retention policy or on legal hold stay, and the outcome says so.',
      scope: 'privacy:write',
      idempotency: 'required',
      errors: ['forbidden'],
      rest: { method: 'POST', path: '/v1/data-subject-requests', status: 201 },
      examples: [{ input: { type: 'erase', subject: 'cr_123', reason: 'asked by mail' } }],
    })
    .input(wire.subjectRequestInput)
    .output(wire.subjectRequest)
    .mutation(({ ctx, input }) => ctx.once(() => createSubjectRequest(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      ...operators,
      tags,
      summary: 'List data-subject requests, newest first',
      scope: 'privacy:write',
      rest: { method: 'GET', path: '/v1/data-subject-requests' },
      examples: [{ input: {} }],
    })
    .input(z.strictObject(pageInput))
    .output(listOf(wire.subjectRequest))
    .query(({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      const of = { tenant, url: '/v1/data-subject-requests' }
      return listPage(
        of,
        input,
        (query) => deps.store.find(subjectRequests.byTenant, { equals: [tenant], ...query }),
        (found) => requestView(deps.livemode, found),
      )
    }),

  get: api
    .procedure({
      tags,
      summary: 'A data-subject request and its outcome',
      scope: 'privacy:write',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/data-subject-requests/{request_id}' },
      examples: [{ input: { request_id: ids.request } }],
    })
    .input(requestId)
    .output(wire.subjectRequest)
    .query(async ({ ctx, input }) =>
      requestView(ctx.deps.livemode, await findSubjectRequest(ctx.deps, ctx.caller, input.request_id)),
    ),

  export: api
    .procedure({
      tags,
      summary: 'The data of the person, as one JSON document',
      description:
        'Over REST alone: the document is sent as it is read, of any size. Operators are also told which objects of others name the person.',
      scope: 'privacy:write',
      errors: ['not_found', 'invalid_state', 'unavailable'],
      rest: {
        method: 'GET',
        path: '/v1/data-subject-requests/{request_id}/export',
        produces: ['application/json'],
      },
      examples: [{ input: { request_id: ids.request } }],
    })
    .input(requestId)
    .output(z.void())
    .query(async ({ ctx, input }) => {
      const request = await findSubjectRequest(ctx.deps, ctx.caller, input.request_id)
      const mentioned = ctx.caller.role === 'operator'
      const pieces = await subjectData(ctx.deps, request, { mentioned })
      ctx.answer.header('content-disposition', `attachment; filename="${request.id}.json"`)
      ctx.answer.stream('application/json; charset=utf-8', pieces)
    }),
}

/** How long data is kept. */
const retentionRoutes = {
  create: api
    .procedure({
      ...operators,
      tags,
      summary: 'Let a kind of data go after a time',
      description: 'Runs once a day, for the first time a day from now. What is on legal hold stays.',
      scope: 'privacy:write',
      idempotency: 'required',
      rest: { method: 'POST', path: '/v1/retention-policies', status: 201 },
      examples: [{ input: { kind: 'consents', keep_days: 1095, reason: 'limitation of claims' } }],
    })
    .input(wire.policyInput)
    .output(wire.retentionPolicy)
    .mutation(({ ctx, input }) => ctx.once(() => createPolicy(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      ...operators,
      tags,
      summary: 'List retention policies, newest first',
      scope: 'privacy:write',
      rest: { method: 'GET', path: '/v1/retention-policies' },
      examples: [{ input: {} }],
    })
    .input(z.strictObject(pageInput))
    .output(listOf(wire.retentionPolicy))
    .query(({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      return listPage(
        { tenant, url: '/v1/retention-policies' },
        input,
        (query) => deps.store.find(retentionPolicies.byTenant, { equals: [tenant], ...query }),
        (found) => policyView(deps.livemode, found),
      )
    }),

  get: api
    .procedure({
      ...operators,
      tags,
      summary: 'A retention policy',
      scope: 'privacy:write',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/retention-policies/{policy_id}' },
      examples: [{ input: { policy_id: ids.policy } }],
    })
    .input(policyId)
    .output(wire.retentionPolicy)
    .query(async ({ ctx: { deps, caller }, input }) => {
      return policyView(deps.livemode, await findPolicy(deps, caller, input.policy_id))
    }),

  dryRun: api
    .procedure({
      ...operators,
      tags,
      summary: 'What a run of a policy would purge now',
      description: 'Changes nothing.',
      scope: 'privacy:write',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/retention-policies/{policy_id}/dry-run' },
      examples: [{ input: { policy_id: ids.policy } }],
    })
    .input(policyId)
    .output(wire.retentionRun)
    .mutation(({ ctx, input }) => dryRun(ctx.deps, ctx.caller, input.policy_id)),

  retire: api
    .procedure({
      ...operators,
      tags,
      summary: 'End a retention policy',
      scope: 'privacy:write',
      idempotency: 'accepted',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/retention-policies/{policy_id}/retire' },
      examples: [{ input: { policy_id: ids.policy, reason: 'replaced' } }],
    })
    .input(wire.retireInput)
    .output(wire.retentionPolicy)
    .mutation(({ ctx, input }) => ctx.once(() => retirePolicy(ctx.deps, ctx.caller, input))),
}

/** What must be kept. */
const holdRoutes = {
  place: api
    .procedure({
      ...operators,
      tags,
      summary: 'Keep a party, a license or an item from being erased',
      description: 'Holds against erasure and retention. It keeps data; it does not deny use.',
      scope: 'privacy:write',
      idempotency: 'required',
      rest: { method: 'POST', path: '/v1/legal-holds', status: 201 },
      examples: [{ input: { subject: 'cr_123', reason: 'pending lawsuit' } }],
    })
    .input(wire.holdInput)
    .output(wire.legalHold)
    .mutation(({ ctx, input }) => ctx.once(() => placeHold(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      ...operators,
      tags,
      summary: 'List legal holds, newest first',
      scope: 'privacy:write',
      rest: { method: 'GET', path: '/v1/legal-holds' },
      examples: [{ input: {} }],
    })
    .input(z.strictObject(pageInput))
    .output(listOf(wire.legalHold))
    .query(({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      return listPage(
        { tenant, url: '/v1/legal-holds' },
        input,
        (query) => deps.store.find(legalHolds.byTenant, { equals: [tenant], ...query }),
        (found) => holdView(deps.livemode, found),
      )
    }),

  get: api
    .procedure({
      ...operators,
      tags,
      summary: 'A legal hold',
      scope: 'privacy:write',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/legal-holds/{hold_id}' },
      examples: [{ input: { hold_id: ids.hold } }],
    })
    .input(holdId)
    .output(wire.legalHold)
    .query(async ({ ctx: { deps, caller }, input }) => {
      return holdView(deps.livemode, await findHold(deps, caller, input.hold_id))
    }),

  release: api
    .procedure({
      ...operators,
      tags,
      summary: 'Release a legal hold',
      scope: 'privacy:write',
      idempotency: 'accepted',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/legal-holds/{hold_id}/release' },
      examples: [{ input: { hold_id: ids.hold, reason: 'the lawsuit is over' } }],
    })
    .input(wire.releaseInput)
    .output(wire.legalHold)
    .mutation(({ ctx, input }) => ctx.once(() => releaseHold(ctx.deps, ctx.caller, input))),
}

/** Data-subject requests, retention policies and legal holds. */
export const privacyRoutes = {
  subjectRequests: api.router(subjectRequestRoutes),
  retentionPolicies: api.router(retentionRoutes),
  holds: api.router(holdRoutes),
}
