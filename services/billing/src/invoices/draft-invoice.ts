import { Fault } from '@tallystick/protocol'
import type { Caller, Plan } from '@tallystick/runtime'
import { insert, replace } from '@tallystick/storage'
import { timeOf } from '../clocks/time-of.ts'
import { findCustomer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { invoices } from './collections.ts'
import { findInvoice } from './find-invoice.ts'
import type { StoredInvoice } from './find-invoice.ts'
import { invoiceEvent } from './invoice-event.ts'
import type { DraftChange, DraftInput } from './invoice-schemas.ts'
import { totalsOf } from './invoice-totals.ts'
import { manualLines } from './manual-lines.ts'

/** A draft of lines that an operator wrote. It moves nothing until it is finalized. */
export async function draftInvoice(
  deps: Deps,
  caller: Caller,
  input: DraftInput,
): Promise<Plan<StoredInvoice>> {
  const customer = await findCustomer(deps, caller, input.customer)
  const at = await timeOf(deps, customer)
  const period = input.period
    ? { start: new Date(input.period.start), end: new Date(input.period.end) }
    : { start: at, end: at }
  if (period.end < period.start) throw refused('/period/end', 'lies before its start')
  const { currency } = customer
  const lines = manualLines(input.lines, { currency, period, firstId: 1 })
  const draft: StoredInvoice = {
    id: deps.newId('invoice'),
    tenant: caller.tenant,
    customer: customer.id,
    currency,
    status: 'draft',
    lines,
    ...totalsOf(deps, lines, { customer, at }),
    creditsApplied: 0n,
    amountDue: 0n,
    amountPaid: 0n,
    amountRefunded: 0n,
    amountCredited: 0n,
    period,
    ...(input.footer !== undefined && { footer: input.footer }),
    metadata: input.metadata,
    attempts: 0,
    createdAt: at,
    auditId: '',
  }
  const { auditId, write } = invoiceEvent(deps, 'invoice.created', caller.account, draft)
  const answer = { ...draft, auditId }
  return { writes: [insert(invoices, answer), write], answer }
}

/** Changes a draft: its hand-written lines as a whole, its footer, its metadata. Rated lines stay as they are. */
export async function updateDraft(
  deps: Deps,
  caller: Caller,
  input: DraftChange,
): Promise<Plan<StoredInvoice>> {
  const { version, ...before } = await findInvoice(deps, caller, input.invoice_id)
  if (before.status !== 'draft') {
    throw new Fault('invalid_state', { detail: `The invoice is ${before.status}; only drafts are changed` })
  }
  const customer = await findCustomer(deps, caller, before.customer)
  const at = await timeOf(deps, customer)
  const rated = before.lines.filter(({ kind }) => kind !== 'manual')
  const firstId = 1 + Math.max(0, ...before.lines.map(({ id }) => Number(/^line_(\d+)$/.exec(id)?.[1] ?? 0)))
  const { currency, period } = before
  const lines = input.lines
    ? [...rated, ...manualLines(input.lines, { currency, period, firstId })]
    : before.lines
  const changed: StoredInvoice = {
    ...before,
    lines,
    ...totalsOf(deps, lines, { customer, at }),
    ...(input.footer !== undefined && { footer: input.footer }),
    ...(input.metadata !== undefined && { metadata: input.metadata }),
  }
  const { auditId, write } = invoiceEvent(deps, 'invoice.updated', caller.account, changed)
  const answer = { ...changed, auditId }
  return { writes: [replace(invoices, answer, version), write], answer }
}

function refused(pointer: string, message: string): Fault {
  return new Fault('validation_failed', { errors: [{ pointer, message }] })
}
