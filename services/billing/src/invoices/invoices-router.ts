import { listOf } from '@tallystick/protocol'
import { z } from 'zod'
import { operators, parties } from '@tallystick/runtime'
import { api } from '../api.ts'
import { timeOf } from '../clocks/time-of.ts'
import { findCustomer } from '../customers/find-customer.ts'
import { payNow } from '../dunning/pay-now.ts'
import { draftInvoice, updateDraft } from './draft-invoice.ts'
import { voidInvoice, writeOffInvoice } from './end-invoice.ts'
import { finalizeInvoices } from './finalize-invoices.ts'
import { findInvoice } from './find-invoice.ts'
import * as wire from './invoice-schemas.ts'
import { viewInvoice, viewWholeInvoice } from './invoice-view.ts'
import { listInvoices } from './list-invoices.ts'
import { readDocument } from './read-document.ts'
import { renderHtml } from './render-html.ts'
import { renderInThread } from './render-in-thread.ts'

const tags = ['Invoices']
const invoice_id = 'inv_01kqxq5t8r0000000000000000'
const changes = {
  tags,
  scope: 'billing:write' as const,
  idempotency: 'required' as const,
}
const reads = { tags, scope: 'billing:read' as const, errors: ['not_found' as const] }
const operatorOnly = ['not_found', 'invalid_state', 'forbidden'] as const

/** Invoices: drafted, finalized, collected, ended, and shown. */
export const invoicesRouter = api.router({
  create: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Draft an invoice by hand',
      errors: ['not_found', 'forbidden'],
      examples: [
        {
          input: {
            customer: 'cus_01kqxq5t8r0000000000000000',
            lines: [{ description: 'Onboarding, per hour', quantity: '2.5', unit_amount: '120' }],
          },
        },
      ],
      rest: { method: 'POST', path: '/v1/invoices', status: 201 },
    })
    .input(wire.draftInput)
    .output(wire.invoiceView)
    .mutation(({ ctx: { deps, caller, once }, input }) => {
      return once(async () => {
        const { writes, answer } = await draftInvoice(deps, caller, input)
        return { writes, answer: viewInvoice(deps, answer) }
      })
    }),

  update: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Change a draft',
      errors: operatorOnly,
      examples: [{ input: { invoice_id, lines: [{ description: 'Onboarding', amount: 30_000 }] } }],
      rest: { method: 'POST', path: '/v1/invoices/{invoice_id}' },
    })
    .input(wire.draftChange)
    .output(wire.invoiceView)
    .mutation(({ ctx: { deps, caller, once }, input }) => {
      return once(async () => {
        const { writes, answer } = await updateDraft(deps, caller, input)
        return { writes, answer: viewInvoice(deps, answer) }
      })
    }),

  finalize: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Give a draft its number: from then on it is owed',
      errors: operatorOnly,
      examples: [{ input: { invoice_id } }],
      rest: { method: 'POST', path: '/v1/invoices/{invoice_id}/finalize' },
    })
    .input(wire.invoiceIdInput)
    .output(wire.invoiceView)
    .mutation(({ ctx: { deps, caller, once }, input }) => {
      return once(async () => {
        const { version, ...invoice } = await findInvoice(deps, caller, input.invoice_id)
        const customer = await findCustomer(deps, caller, invoice.customer)
        const at = await timeOf(deps, customer)
        const finalized = await finalizeInvoices(deps, [{ invoice, version, customer }], at)
        return { writes: finalized.writes, answer: viewInvoice(deps, finalized.invoices[0] ?? invoice) }
      })
    }),

  pay: api
    .procedure({
      ...parties,
      ...changes,
      summary: 'Collect an invoice now from the customer’s payment method',
      description: 'A decline is no refusal: the invoice comes back past due, with the payment that failed.',
      errors: ['not_found', 'invalid_state'],
      examples: [{ input: { invoice_id } }],
      rest: { method: 'POST', path: '/v1/invoices/{invoice_id}/pay' },
    })
    .input(wire.invoiceIdInput)
    .output(wire.invoiceView)
    .mutation(async ({ ctx: { deps, caller }, input }) => {
      const invoice = await findInvoice(deps, caller, input.invoice_id)
      return viewWholeInvoice(deps, await payNow(deps, invoice))
    }),

  void: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Take a finalized invoice back as if it had never been asked for',
      errors: operatorOnly,
      examples: [{ input: { invoice_id } }],
      rest: { method: 'POST', path: '/v1/invoices/{invoice_id}/void' },
    })
    .input(wire.invoiceIdInput)
    .output(wire.invoiceView)
    .mutation(({ ctx: { deps, caller, once }, input }) => {
      return once(async () => {
        const { writes, answer } = await voidInvoice(
          deps,
          caller,
          await findInvoice(deps, caller, input.invoice_id),
        )
        return { writes, answer: viewInvoice(deps, answer) }
      })
    }),

  markUncollectible: api
    .procedure({
      ...operators,
      ...changes,
      summary: 'Give an invoice up as a bad debt',
      errors: operatorOnly,
      examples: [{ input: { invoice_id } }],
      rest: { method: 'POST', path: '/v1/invoices/{invoice_id}/mark-uncollectible' },
    })
    .input(wire.invoiceIdInput)
    .output(wire.invoiceView)
    .mutation(({ ctx: { deps, caller, once }, input }) => {
      return once(async () => {
        const found = await findInvoice(deps, caller, input.invoice_id)
        const { writes, answer } = await writeOffInvoice(deps, caller, found)
        return { writes, answer: viewInvoice(deps, answer) }
      })
    }),

  get: api
    .procedure({
      ...reads,
      summary: 'An invoice with its payments and credit notes',
      examples: [{ input: { invoice_id } }],
      rest: { method: 'GET', path: '/v1/invoices/{invoice_id}' },
    })
    .input(wire.invoiceIdInput)
    .output(wire.invoiceView)
    .query(async ({ ctx: { deps, caller }, input }) =>
      viewWholeInvoice(deps, await findInvoice(deps, caller, input.invoice_id)),
    ),

  html: api
    .procedure({
      ...reads,
      summary: 'An invoice as a page to read and print',
      examples: [{ input: { invoice_id } }],
      rest: { method: 'GET', path: '/v1/invoices/{invoice_id}/html', produces: ['text/html'] },
    })
    .input(wire.invoiceIdInput)
    .output(z.void())
    .query(async ({ ctx: { deps, caller, answer }, input }) => {
      const document = await readDocument(deps, await findInvoice(deps, caller, input.invoice_id))
      // Nothing in it may run or be fetched, whatever a customer is called.
      answer.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
      answer.raw('text/html; charset=utf-8', renderHtml(document))
    }),

  pdf: api
    .procedure({
      ...reads,
      summary: 'An invoice as PDF',
      examples: [{ input: { invoice_id } }],
      rest: { method: 'GET', path: '/v1/invoices/{invoice_id}/pdf', produces: ['application/pdf'] },
    })
    .input(wire.invoiceIdInput)
    .output(z.void())
    .query(async ({ ctx: { deps, caller, answer }, input }) => {
      const document = await readDocument(deps, await findInvoice(deps, caller, input.invoice_id))
      answer.header('content-disposition', `inline; filename="invoice-${document.fileName}.pdf"`)
      answer.raw('application/pdf', await renderInThread(document))
    }),

  list: api
    .procedure({
      ...reads,
      summary: 'List invoices, newest first',
      description:
        'All, or those of a customer, of a status or of both, or of a subscription. Keys of customers see their own.',
      examples: [{ input: { status: 'past_due' } }],
      rest: { method: 'GET', path: '/v1/invoices' },
    })
    .input(wire.listInvoicesInput)
    .output(listOf(wire.invoiceView))
    .query(({ ctx: { deps, caller }, input }) => listInvoices(deps, caller, input)),
})
