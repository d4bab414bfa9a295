import { listOf } from '@tallystick/protocol'
import { listPage, operators } from '@tallystick/runtime'
import { api } from '../api.ts'
import { findCustomer } from '../customers/find-customer.ts'
import { findGrant, grantCredit, viewGrant, voidGrant } from './change-grants.ts'
import { creditGrants } from './collections.ts'
import * as wire from './credit-schemas.ts'

const tags = ['Credits']
const customer = 'cus_01kqxq5t8r0000000000000000'
const grant_id = 'cred_01kqxq5t8r0000000000000000'

/** Prepaid credit: granted, drawn by invoices, expired or voided. */
export const creditsRouter = api.router({
  grant: api
    .procedure({
      ...operators,
      tags,
      summary: 'Grant credit to a customer',
      scope: 'billing:write',
      errors: ['not_found'],
      idempotency: 'required',
      examples: [{ input: { customer, amount: 5000, name: 'Prepaid' } }],
      rest: { method: 'POST', path: '/v1/credit-grants', status: 201 },
    })
    .input(wire.grantInput)
    .output(wire.grantView)
    .mutation(({ ctx, input }) => ctx.once(() => grantCredit(ctx.deps, ctx.caller, input))),

  void: api
    .procedure({
      ...operators,
      tags,
      summary: 'Take back what is left of a grant',
      scope: 'billing:write',
      errors: ['not_found', 'invalid_state'],
      idempotency: 'required',
      examples: [{ input: { grant_id } }],
      rest: { method: 'POST', path: '/v1/credit-grants/{grant_id}/void' },
    })
    .input(wire.grantIdInput)
    .output(wire.grantView)
    .mutation(({ ctx, input }) => ctx.once(() => voidGrant(ctx.deps, ctx.caller, input.grant_id))),

  get: api
    .procedure({
      tags,
      summary: 'A grant',
      scope: 'billing:read',
      errors: ['not_found'],
      examples: [{ input: { grant_id } }],
      rest: { method: 'GET', path: '/v1/credit-grants/{grant_id}' },
    })
    .input(wire.grantIdInput)
    .output(wire.grantView)
    .query(async ({ ctx, input }) =>
      viewGrant(ctx.deps, await findGrant(ctx.deps, ctx.caller, input.grant_id)),
    ),

  list: api
    .procedure({
      tags,
      summary: 'List the grants of a customer, newest first',
      scope: 'billing:read',
      errors: ['not_found'],
      examples: [{ input: { customer } }],
      rest: { method: 'GET', path: '/v1/credit-grants' },
    })
    .input(wire.listInput)
    .output(listOf(wire.grantView))
    .query(async ({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      const { id } = await findCustomer(deps, caller, input.customer)
      const equals = input.status === undefined ? [tenant, id] : [tenant, id, input.status]
      return listPage(
        { tenant, url: '/v1/credit-grants' },
        input,
        (query) => deps.store.find(creditGrants.byCustomer, { equals, ...query }),
        (grant) => viewGrant(deps, grant),
      )
    }),
})
