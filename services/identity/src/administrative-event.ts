import { hash } from 'node:crypto'
import { auditIdOf, canonicalize } from '@tallystick/receipt'
import { auditEvent } from '@tallystick/runtime'
import type { Write } from '@tallystick/storage'
import type { Deps } from './deps.ts'

/** A change of an account or a key, for the audit log. */
export interface AdministrativeChange {
  tenant: string
  kind: `${'tenant' | 'account' | 'api_key'}.${string}`
  /** The account that made it. */
  actor: string
  /** The id of what was changed. */
  subject: string
  /** Its wire form; digests of them go into the record, so personal data stays here. */
  before?: object | undefined
  after: object
  reason?: string | undefined
}

/** An event whose audit id is known, before it is known what the change will look like. */
export interface AnnouncedEvent {
  auditId: string
  /** The write that belongs into the commit of the change. */
  write(change: AdministrativeChange, at: Date): Write
}

/** Announces the event of a change in `tenant`. */
export function announceEvent({ newId }: Pick<Deps, 'newId'>, tenant: string): AnnouncedEvent {
  const id = newId('event')
  return {
    auditId: auditIdOf(tenant, id),
    write({ kind, actor, subject, before, after, reason }, at) {
      const change = {
        subject,
        ...(before && { before: digest(before) }),
        after: digest(after),
        ...(reason !== undefined && { reason }),
      }
      const record = { kind, actor, licenses: [], items: [], data: { change } }
      return auditEvent({ id, tenant, at, record })
    },
  }
}

function digest(wireForm: object): string {
  return `sha256:${hash('sha256', canonicalize(wireForm), 'hex')}`
}
