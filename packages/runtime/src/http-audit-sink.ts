import { z } from 'zod'
import type { AuditSink } from './audit-events.ts'

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

const timeoutMs = 30_000

/**
 * The audit service over HTTP. `key` needs the scopes `service` and `audit:write`; the tenant of the records is named by
 * the Tallystick-Tenant header. Rejects when the call failed as a whole: the relay then sends the records again.
 */
export function httpAuditSink({ url, key }: { url: string; key: string }): AuditSink {
  const address = `${url.replace(/\/$/, '')}/v1/audit/records`
  return {
    async record(tenant, records) {
      const response = await fetch(address, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'tallystick-tenant': tenant,
        },
        body: JSON.stringify({ records }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (!response.ok) throw new Error(`audit answered ${response.status}: ${await response.text()}`)
      return outcomes.parse(await response.json()).data
    },
  }
}
