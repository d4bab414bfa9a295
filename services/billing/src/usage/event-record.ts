import type { AuditRecord } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import type { UsageEvent } from './collections.ts'
import { eventIdOf } from './identify-reports.ts'

/** What the audit log is told of a usage event or of a correction. */
export function recordOf(
  { account }: Pick<Caller, 'account'>,
  kind: 'usage.reported' | 'usage.adjusted' | 'usage.deprecated',
  event: UsageEvent,
): AuditRecord {
  const { id, metric, quantity, modelId, licenses, items, occurredAt } = event
  return {
    event: eventIdOf(id),
    kind,
    actor: account,
    occurred_at: occurredAt.toISOString(),
    licenses,
    items,
    usage: { metric, quantity, ...(modelId !== undefined && { model_id: modelId }) },
    data: {
      usage: id,
      event_id: event.event,
      customer: event.customer,
      status: event.status,
      purpose: event.purpose,
      ...(event.refusal !== undefined && { refusal: event.refusal }),
      ...(event.apiKey !== undefined && { api_key: event.apiKey }),
      ...(event.region !== undefined && { region: event.region }),
      ...(event.corrects !== undefined && { corrects: event.corrects }),
      ...(event.reason !== undefined && { reason: event.reason }),
      dimensions: event.dimensions,
    },
  }
}
