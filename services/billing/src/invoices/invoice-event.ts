import { auditIdOf } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import type { StoredInvoice } from './find-invoice.ts'

/** The event that tells of an invoice, and the audit id that it will have. `more` adds to its data. */
export function invoiceEvent(
  deps: Pick<Deps, 'newId' | 'now'>,
  kind: string,
  actor: string,
  invoice: StoredInvoice,
  more: Record<string, string | number> = {},
): { auditId: string; write: Write } {
  const { tenant, id, number, currency, total, lines } = invoice
  const event = deps.newId('event')
  const licenses = [...new Set(lines.flatMap(({ license }) => license ?? []))].slice(0, 100)
  const data = { invoice: id, number: number ?? '', currency, total: Number(total), ...more }
  const record = { kind, actor, licenses, items: [], data }
  return {
    auditId: auditIdOf(tenant, event),
    write: auditEvent({ id: event, tenant, at: deps.now(), record }),
  }
}
