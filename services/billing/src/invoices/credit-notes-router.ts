import { Fault, listOf } from '@tallystick/protocol'
import { listPage, operators, reachesTenant } from '@tallystick/runtime'
import { api } from '../api.ts'
import { findCustomer, ownCustomer } from '../customers/find-customer.ts'
import { creditNotes } from './collections.ts'
import { findInvoice } from './find-invoice.ts'
import * as wire from './invoice-schemas.ts'
import { viewNote } from './invoice-view.ts'
import { issueCreditNote } from './issue-credit-note.ts'

const tags = ['Invoices']
const invoice_id = 'inv_01kqxq5t8r0000000000000000'

/** What was taken back from finalized invoices. */
export const creditNotesRouter = api.router({
  issue: api
    .procedure({
      ...operators,
      tags,
      summary: 'Credit a finalized invoice, in part or in full',
      description:
        'Lowers what is due; what was paid already becomes credit of the customer. Taxes go back in proportion.',
      scope: 'billing:write',
      errors: ['not_found', 'invalid_state', 'forbidden'],
      idempotency: 'required',
      examples: [{ input: { invoice_id, amount: 1000, reason: 'service outage' } }],
      rest: { method: 'POST', path: '/v1/invoices/{invoice_id}/credit-notes', status: 201 },
    })
    .input(wire.noteInput)
    .output(wire.noteView)
    .mutation(({ ctx: { deps, caller, once }, input }) => {
      return once(async () => {
        const invoice = await findInvoice(deps, caller, input.invoice_id)
        const { amount, reason } = input
        const { writes, answer } = await issueCreditNote(deps, caller, invoice, {
          amount: BigInt(amount),
          reason,
        })
        return { writes, answer: viewNote(deps, answer) }
      })
    }),

  get: api
    .procedure({
      tags,
      summary: 'A credit note',
      scope: 'billing:read',
      errors: ['not_found'],
      examples: [{ input: { credit_note_id: 'cn_01kqxq5t8r0000000000000000' } }],
      rest: { method: 'GET', path: '/v1/credit-notes/{credit_note_id}' },
    })
    .input(wire.noteIdInput)
    .output(wire.noteView)
    .query(async ({ ctx: { deps, caller }, input }) => {
      const note = await deps.store.get(creditNotes, input.credit_note_id)
      if (!note || note.tenant !== caller.tenant) throw new Fault('not_found')
      await findCustomer(deps, caller, note.customer)
      return viewNote(deps, note)
    }),

  list: api
    .procedure({
      tags,
      summary: 'List credit notes, newest first',
      description: 'All, or those of an invoice or a customer. Keys of customers see their own.',
      scope: 'billing:read',
      errors: ['not_found'],
      examples: [{ input: { invoice: invoice_id } }],
      rest: { method: 'GET', path: '/v1/credit-notes' },
    })
    .input(wire.listNotesInput)
    .output(listOf(wire.noteView))
    .query(async ({ ctx: { deps, caller }, input }) => {
      const { tenant } = caller
      if (input.invoice !== undefined) await findInvoice(deps, caller, input.invoice)
      if (input.customer !== undefined) await findCustomer(deps, caller, input.customer)
      const own = reachesTenant(caller) ? undefined : ((await ownCustomer(deps, caller))?.id ?? '')
      const customer = input.customer ?? own
      const filter =
        input.invoice !== undefined
          ? { index: creditNotes.byInvoice, equals: [tenant, input.invoice] }
          : customer !== undefined
            ? { index: creditNotes.byCustomer, equals: [tenant, customer] }
            : { index: creditNotes.byTenant, equals: [tenant] }
      return listPage(
        { tenant, url: '/v1/credit-notes' },
        input,
        (query) => deps.store.find(filter.index, { equals: filter.equals, ...query }),
        (note) => viewNote(deps, note),
      )
    }),
})
