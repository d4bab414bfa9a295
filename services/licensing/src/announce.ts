import { hash } from 'node:crypto'
import type { AuditRecord } from '@tallystick/protocol'
import { auditIdOf, canonicalize } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import type { Deps } from './deps.ts'

/** The write that promises a receipt for a change by `caller`, and the audit id that the receipt will have. */
export function announce(
  deps: Pick<Deps, 'now' | 'newId'>,
  caller: Pick<Caller, 'tenant' | 'account'>,
  record: Pick<AuditRecord, 'kind' | 'data'> & Partial<Pick<AuditRecord, 'items' | 'licenses'>>,
): { write: Write; auditId: string } {
  const id = deps.newId('event')
  const { tenant, account } = caller
  const { kind, data, items = [], licenses = [] } = record
  const write = auditEvent({
    id,
    tenant,
    at: deps.now(),
    record: { kind, actor: account, licenses, items, ...(data && { data }) },
  })
  return { write, auditId: auditIdOf(tenant, id) }
}

/** SHA-256 of the RFC 8785 form of an object as the API tells it, as `sha256:…`: what a record of change compares. */
export function digestOf(object: unknown): string {
  return `sha256:${hash('sha256', canonicalize(JSON.parse(JSON.stringify(object))), 'hex')}`
}
