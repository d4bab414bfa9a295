import { idSchema, listOf, pageInput, reference } from '@tallystick/protocol'
import { listPage, operators, parties, reachesTenant } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from '../api.ts'
import { createCustomer, updateCustomer, viewCustomer } from './change-customer.ts'
import { customers } from './collections.ts'
import { findCustomer, ownCustomer } from './find-customer.ts'
import { forgetCustomers, tellCustomers } from './personal-records.ts'
import { customerChange, customerInput, customerView } from './schemas.ts'

const tags = ['Customers']
const namesOfPerson = z.array(reference).min(1).max(10)
const told = z.strictObject({ object: z.string(), id: z.string() })
const toldKept = told.extend({ reason: z.string() })

/** Who is billed. */
export const customersRouter = api.router({
  create: api
    .procedure({
      ...operators,
      tags,
      summary: 'Create a customer',
      scope: 'billing:write',
      errors: ['already_exists', 'reference_not_found'],
      idempotency: 'required',
      examples: [
        { input: { reference: 'dev_456', name: 'Example Labs', payment_method: '4242 4242 4242 4242' } },
      ],
      rest: { method: 'POST', path: '/v1/customers', status: 201 },
    })
    .input(customerInput)
    .output(customerView)
    .mutation(({ ctx, input }) => ctx.once(() => createCustomer(ctx.deps, ctx.caller, input))),

  update: api
    .procedure({
      ...parties,
      tags,
      summary: 'Change a customer',
      scope: 'billing:write',
      errors: ['not_found'],
      idempotency: 'required',
      examples: [{ input: { customer_id: 'cus_01kqxq5t8r0000000000000000', email: 'billing@example.com' } }],
      rest: { method: 'POST', path: '/v1/customers/{customer_id}' },
    })
    .input(customerChange)
    .output(customerView)
    .mutation(({ ctx, input }) => ctx.once(() => updateCustomer(ctx.deps, ctx.caller, input))),

  get: api
    .procedure({
      tags,
      summary: 'A customer',
      scope: 'billing:read',
      errors: ['not_found'],
      examples: [{ input: { customer_id: 'cus_01kqxq5t8r0000000000000000' } }],
      rest: { method: 'GET', path: '/v1/customers/{customer_id}' },
    })
    .input(z.strictObject({ customer_id: idSchema('customer') }))
    .output(customerView)
    .query(async ({ ctx, input }) =>
      viewCustomer(ctx.deps, await findCustomer(ctx.deps, ctx.caller, input.customer_id)),
    ),

  tellPerson: api
    .procedure({
      tags,
      summary: 'The customers of a person, for the export of their data',
      scope: 'service',
      examples: [{ input: { names: ['dev_456'] } }],
      rest: { method: 'POST', path: '/v1/customers/personal-data' },
    })
    .input(z.strictObject({ names: namesOfPerson }))
    .output(z.strictObject({ object: z.literal('personal_data'), data: z.array(customerView) }))
    .mutation(async ({ ctx: { deps, caller }, input }) => ({
      object: 'personal_data' as const,
      data: await tellCustomers(deps, caller.tenant, input.names),
    })),

  forgetPerson: api
    .procedure({
      tags,
      summary: 'Take a person’s data from their customers',
      description:
        'Part of an erasure that the licensing service carries out. Issued invoices stay as they are, and so does a customer with whom something is to be settled. Idempotent.',
      scope: 'service',
      examples: [{ input: { names: ['dev_456'], pseudonym: 'erased_01kqxq5t8r0000000000000000' } }],
      rest: { method: 'POST', path: '/v1/customers/erasures' },
    })
    .input(z.strictObject({ names: namesOfPerson, pseudonym: reference }))
    .output(z.strictObject({ object: z.literal('erasure'), erased: z.array(told), kept: z.array(toldKept) }))
    .mutation(async ({ ctx: { deps, caller }, input }) => ({
      object: 'erasure' as const,
      ...(await forgetCustomers(deps, caller.tenant, input)),
    })),

  list: api
    .procedure({
      tags,
      summary: 'List customers, newest first',
      scope: 'billing:read',
      examples: [{ input: {} }],
      rest: { method: 'GET', path: '/v1/customers' },
    })
    .input(z.strictObject(pageInput))
    .output(listOf(customerView))
    .query(async ({ ctx, input }) => {
      const { tenant } = ctx.caller
      const own = reachesTenant(ctx.caller)
        ? undefined
        : ((await ownCustomer(ctx.deps, ctx.caller))?.reference ?? '')
      return listPage(
        { tenant, url: '/v1/customers' },
        input,
        (query) =>
          own === undefined
            ? ctx.deps.store.find(customers.byTenant, { equals: [tenant], ...query })
            : ctx.deps.store.find(customers.byReference, { equals: [tenant, own], ...query }),
        (customer) => viewCustomer(ctx.deps, customer),
      )
    }),
})
