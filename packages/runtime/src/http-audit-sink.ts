import { z } from 'zod'
import type { AuditSink } from './audit-events.ts'
import { callService, bodyOf } from './call-service.ts'

const outcomes = z.object({
  data: z.array(
    z.discriminatedUnion('status', [
      z.object({ status: z.literal(['recorded', 'duplicate']), event: z.string() }),
      z.object({
        status: z.literal('refused'),
        event: z.string(),
        error: z.object({ code: z.string(), detail: z.string() }),
      }),
    ]),
  ),
})

// A thousand records are signed and written before the answer.
const timeoutMs = 30_000

/**
 * The audit service over HTTP. `key` has the scope `service`; the tenant of the records is named by the
 * Tallystick-Tenant header. Rejects when the call failed as a whole: the relay then sends the records again.
 */
export function httpAuditSink({ url, key }: { url: string; key: string }): AuditSink {
  return {
    async record(tenant, records) {
      const call = { path: '/v1/audit/records', tenant, body: { records }, timeoutMs }
      return outcomes.parse(bodyOf(call, await callService({ name: 'audit', url, key }, call))).data
    },
  }
}
