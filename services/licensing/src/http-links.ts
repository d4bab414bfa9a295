import { z } from 'zod'
import type { AuditErasure, IdentityLink } from './deps.ts'

const timeoutMs = 30_000
const accountId = /^acct_[0-9a-z]{26}$/
const account = z.object({ id: z.string(), external_id: z.string().optional() })
const erased = z.object({ erased: z.number(), ids: z.array(z.string()), next: z.string().optional() })

/** A service over HTTP: `key` has the scope `service`, and the tenant is named by a header. */
export interface RemoteService {
  url: string
  key: string
}

/** The identity service over HTTP. Rejects when it does not answer. */
export function httpIdentity(remote: RemoteService): IdentityLink {
  return {
    async resolveParty(tenant, reference) {
      const byId = accountId.test(reference)
      const path = byId
        ? `/v1/accounts/${reference}`
        : `/v1/accounts?external_id=${encodeURIComponent(reference)}`
      const body = await ask(remote, tenant, path)
      const found = byId
        ? account.optional().parse(body)
        : z
            .object({ data: z.array(account) })
            .optional()
            .parse(body)?.data[0]
      return found && { account: found.id, reference: found.external_id }
    },
  }
}

/** The audit service's erasures over HTTP. Rejects when it does not answer. */
export function httpErasure(remote: RemoteService): AuditErasure {
  return {
    async eraseBodies(tenant, { keepLicenses, keepItems, before, dryRun, ...selection }) {
      const body = {
        tenant,
        ...selection,
        keep_licenses: keepLicenses,
        keep_items: keepItems,
        ...(before && { before: before.toISOString() }),
        ...(dryRun !== undefined && { dry_run: dryRun }),
      }
      return erased.parse(await ask(remote, undefined, '/v1/audit/erasures', body))
    },
  }
}

/** The JSON of an answer; undefined for what is not there. */
async function ask(
  { url, key }: RemoteService,
  tenant: string | undefined,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(url.replace(/\/$/, '') + path, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${key}`,
      ...(tenant !== undefined && { 'tallystick-tenant': tenant }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const text = await response.text()
  if (response.status === 404) return undefined
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
