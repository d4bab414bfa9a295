import { listOf } from '@tallystick/protocol'
import { listPage, operators, parties, reachesTenant, toPage } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from '../api.ts'
import { findCustomer } from '../customers/find-customer.ts'
import { authorizePayment } from './authorize-payment.ts'
import {
  capturePayment,
  capturePayments,
  confirmPayment,
  refundPayment,
  voidPayment,
} from './change-payment.ts'
import { disputes, payments } from './collections.ts'
import { findPayment } from './find-payment.ts'
import * as wire from './payment-schemas.ts'
import { viewDispute, viewPayment } from './payment-view.ts'

const tags = ['Payments']
const changes = {
  tags,
  scope: 'billing:write' as const,
  idempotency: 'required' as const,
}
const customer = 'cus_01kqxq5t8r0000000000000000'
const payment = 'pay_01kqxq5t8r0000000000000000'

/** Money of customers: held, captured, let go, given back. */
export const paymentsRouter = api.router({
  authorize: api
    .procedure({
      ...parties,
      ...changes,
      summary: 'Hold an amount on the customer’s payment method',
      description:
        'A payment whose status is `authorizing` had no answer from the provider yet; it is looked up.',
      errors: ['not_found', 'reference_not_found', 'invalid_state'],
      examples: [{ input: { customer, amount: 12_550 } }],
      rest: { method: 'POST', path: '/v1/payments/authorize', status: 201 },
    })
    .input(wire.authorizeInput)
    .output(wire.paymentView)
    .mutation(async ({ ctx, input }) =>
      viewPayment(ctx.deps, await authorizePayment(ctx.deps, ctx.caller, ctx.requestKey, input)),
    ),

  capture: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Take what is held, of one payment or of several',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { payment } }, { input: { captures: [{ payment, amount: 100 }] } }],
      rest: { method: 'POST', path: '/v1/payments/capture' },
    })
    .input(wire.captureInput)
    .output(
      z.union([
        wire.paymentView,
        z.strictObject({ object: z.literal('capture_outcomes'), data: z.array(wire.captureOutcome) }),
      ]),
    )
    .mutation(async ({ ctx: { deps, caller, requestKey }, input }) => {
      if (input.captures !== undefined) {
        return {
          object: 'capture_outcomes' as const,
          data: await capturePayments(deps, caller, requestKey, input.captures),
        }
      }
      const held = await findPayment(deps, caller, input.payment ?? '')
      const amount = input.amount === undefined ? undefined : BigInt(input.amount)
      return viewPayment(deps, await capturePayment(deps, held, amount, requestKey))
    }),

  void: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Let go of what is held',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { payment } }],
      rest: { method: 'POST', path: '/v1/payments/void' },
    })
    .input(wire.voidInput)
    .output(wire.paymentView)
    .mutation(async ({ ctx: { deps, caller, requestKey }, input }) => {
      const held = await findPayment(deps, caller, input.payment)
      return viewPayment(deps, await voidPayment(deps, held, requestKey))
    }),

  confirm: api
    .procedure({
      ...parties,
      ...changes,
      summary: 'Go on with a payment after its buyer has authenticated it',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { payment } }],
      rest: { method: 'POST', path: '/v1/payments/confirm' },
    })
    .input(wire.confirmInput)
    .output(wire.paymentView)
    .mutation(async ({ ctx: { deps, caller, requestKey }, input }) => {
      const found = await findPayment(deps, caller, input.payment)
      return viewPayment(deps, await confirmPayment(deps, found, input.authenticated, requestKey))
    }),

  refund: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Give captured money back',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { payment, amount: 100, reason: 'duplicate' } }],
      rest: { method: 'POST', path: '/v1/payments/refund', status: 201 },
    })
    .input(wire.refundInput)
    .output(wire.refundView)
    .mutation(({ ctx, input }) => {
      return refundPayment(ctx.deps, ctx.caller, ctx.requestKey, input)
    }),

  get: api
    .procedure({
      tags,
      scope: 'billing:read',
      summary: 'A payment',
      errors: ['not_found'],
      examples: [{ input: { payment_id: payment } }],
      rest: { method: 'GET', path: '/v1/payments/{payment_id}' },
    })
    .input(wire.paymentIdInput)
    .output(wire.paymentView)
    .query(async ({ ctx: { deps, caller }, input }) =>
      viewPayment(deps, await findPayment(deps, caller, input.payment_id)),
    ),

  disputes: api
    .procedure({
      tags,
      scope: 'billing:read',
      summary: 'What the buyer’s bank contests of a payment',
      errors: ['not_found'],
      examples: [{ input: { payment_id: payment } }],
      rest: { method: 'GET', path: '/v1/payments/{payment_id}/disputes' },
    })
    .input(wire.paymentIdInput)
    .output(listOf(wire.disputeView))
    .query(async ({ ctx: { deps, caller }, input: { payment_id } }) => {
      const { id, tenant } = await findPayment(deps, caller, payment_id)
      const equals = [tenant, id]
      const { items } = await deps.store.find(disputes.byPayment, { equals, order: 'desc', limit: 1000 })
      const data = items.map((dispute) => viewDispute(deps, dispute))
      const url = `/v1/payments/${id}/disputes`
      return toPage({ tenant, url }, { limit: data.length }, { items: data })
    }),

  list: api
    .procedure({
      tags,
      scope: 'billing:read',
      summary: 'List payments, newest first',
      description: 'By one of customer, invoice and status. Keys of customers name their customer.',
      errors: ['not_found'],
      examples: [{ input: { status: 'captured' } }],
      rest: { method: 'GET', path: '/v1/payments' },
    })
    .input(wire.listInput)
    .output(listOf(wire.paymentView))
    .query(async ({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      if (input.customer !== undefined || !reachesTenant(caller))
        await findCustomer(deps, caller, input.customer ?? '')
      const { index, equals } = filterOf(tenant, input)
      return listPage(
        { tenant, url: '/v1/payments' },
        input,
        (query) => deps.store.find(index, { equals, ...query }),
        (found) => viewPayment(deps, found),
      )
    }),
})

function filterOf(tenant: string, { customer: of, invoice, status }: z.infer<typeof wire.listInput>) {
  if (of !== undefined) return { index: payments.byCustomer, equals: [tenant, of] }
  if (invoice !== undefined) return { index: payments.byInvoice, equals: [tenant, invoice] }
  if (status !== undefined) return { index: payments.byStatus, equals: [tenant, status] }
  return { index: payments.byTenant, equals: [tenant] }
}
