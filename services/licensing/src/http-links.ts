import { bodyOf, callService } from '@tallystick/runtime'
import { z } from 'zod'
import type { AuditErasure, IdentityLink, PersonalRecords } from './deps.ts'

const accountId = /^acct_[0-9a-z]{26}$/
const account = z.object({ id: z.string(), external_id: z.string().optional() })
const accountList = z.object({ data: z.array(account) })
const notFound = z.object({ code: z.literal('not_found') })
const erased = z.object({
  erased: z.number(),
  ids: z.array(z.string()),
  records: z.array(z.object({ id: z.string(), licenses: z.array(z.string()) })).optional(),
  next: z.string().optional(),
})
// A page of bodies is rewritten before the answer.
const erasureTimeoutMs = 30_000

const told = { object: z.string(), id: z.string() }
const forgotten = z.object({
  erased: z.array(z.object(told)),
  kept: z.array(z.object({ ...told, reason: z.string() })),
})
const personalData = z.object({ data: z.array(z.record(z.string(), z.unknown())) })

/** Where a service answers, and the key that it takes: one with the scope `service`. */
export interface Place {
  url: string
  key: string
}

/** The identity service over HTTP. Throws Fault `unavailable` when it does not answer. */
export function httpIdentity(place: Place): IdentityLink {
  const remote = { name: 'identity', ...place }
  return {
    async resolveParty(tenant, reference) {
      const byId = accountId.test(reference)
      const path = byId
        ? `/v1/accounts/${reference}`
        : `/v1/accounts?external_id=${encodeURIComponent(reference)}`
      const call = { path, tenant }
      const answer = await callService(remote, call)
      if (answer.status === 404 && notFound.safeParse(answer.body).success) return undefined
      const body = bodyOf(call, answer)
      const found = byId ? account.parse(body) : accountList.parse(body).data[0]
      return found && { account: found.id, reference: found.external_id }
    },
  }
}

/** The audit service's erasures over HTTP. Throws Fault `unavailable` when it does not answer. */
export function httpErasure(place: Place): AuditErasure {
  const remote = { name: 'audit', ...place }
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
      const call = { path: '/v1/audit/erasures', body, timeoutMs: erasureTimeoutMs }
      return erased.parse(bodyOf(call, await callService(remote, call)))
    },
  }
}

/** What identity (`accounts`) or billing (`customers`) keeps of persons, over HTTP. Throws Fault `unavailable`. */
export function httpPersonalRecords(holds: PersonalRecords['holds'], place: Place): PersonalRecords {
  const remote = { name: holds === 'accounts' ? 'identity' : 'billing', ...place }
  return {
    holds,
    async tell(tenant, names) {
      const call = { path: `/v1/${holds}/personal-data`, tenant, body: { names } }
      return personalData.parse(bodyOf(call, await callService(remote, call))).data
    },
    async forget(tenant, { names, pseudonym }) {
      const call = { path: `/v1/${holds}/erasures`, tenant, body: { names, pseudonym } }
      return forgotten.parse(bodyOf(call, await callService(remote, call)))
    },
  }
}

/** Stands for a service that this one was not told of: a certificate of erasure says so. */
export function unknownPersonalRecords(holds: PersonalRecords['holds']): PersonalRecords {
  return {
    holds,
    tell: async () => [],
    forget: async () => ({ erased: [], kept: [{ object: holds, id: 'all', reason: 'service_not_linked' }] }),
  }
}
