import type { AuditRecord } from '@tallystick/protocol'
import type { Write } from '@tallystick/storage'
import { outboxEvent } from './outbox.ts'
import type { OutboxEvent } from './outbox.ts'
import { relay } from './relay.ts'
import type { RelayOptions } from './relay.ts'
import type { Loop } from './loop.ts'

/** Where events become receipts: the audit service, over HTTP or in the same process. */
export interface AuditSink {
  /** Records events of one tenant; idempotent by event id. Gives for each what became of it, in order. */
  record(tenant: string, records: readonly AuditRecord[]): Promise<readonly AuditOutcome[]>
}

/** What became of one record. */
export type AuditOutcome =
  | { status: 'recorded' | 'duplicate'; event: string }
  | { status: 'refused'; event: string; error: { code: string; detail: string } }

const stream = 'audit'

/**
 * The write that promises a receipt for a change; it belongs into the commit of that change. Its audit id is
 * `auditIdOf(tenant, id)` of `@tallystick/receipt`, known before the receipt exists.
 */
export function auditEvent(event: {
  id: string
  tenant: string
  at: Date
  record: Omit<AuditRecord, 'event'>
}): Write {
  const { id, tenant, at, record } = event
  return outboxEvent({ id, tenant, at, type: record.kind, stream, data: record })
}

/** Carries audit events out of a service's outbox to the audit service. */
export function auditRelay({
  sink,
  ...options
}: Omit<RelayOptions, 'deliver' | 'stream'> & { sink: AuditSink }): Loop {
  return relay({
    ...options,
    stream,
    async deliver(events) {
      const byTenant = Map.groupBy(events, ({ tenant }) => tenant)
      for (const [tenant, ofTenant] of byTenant) {
        const outcomes = await sink.record(tenant, ofTenant.map(toRecord))
        const refused = outcomes.find((outcome) => outcome.status === 'refused')
        if (refused)
          throw new Error(`${refused.event} was refused: ${refused.error.code}: ${refused.error.detail}`)
      }
    },
  })
}

function toRecord({ id, data }: OutboxEvent): AuditRecord {
  return { event: id, ...(data as unknown as Omit<AuditRecord, 'event'>) }
}
