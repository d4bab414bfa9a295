import { licenseCharge, usageRight } from '@tallystick/protocol'
import type {
  LicenseCharge as ToldCharge,
  LicenseChargeQuestion,
  UsageQuestion,
  UsageRight,
} from '@tallystick/protocol'
import { bodyOf, callService } from '@tallystick/runtime'
import type { RemoteService } from '@tallystick/runtime'
import { z } from 'zod'
import type { AccountsLink, LicenseCharge, RightsLink, UseInQuestion } from './links.ts'

/** What licensing offers to services: over HTTP, or as functions of the same process. */
export interface Licensing {
  check(tenant: string, questions: readonly UsageQuestion[]): Promise<readonly UsageRight[]>
  charges(
    tenant: string,
    questions: readonly LicenseChargeQuestion[],
  ): Promise<readonly (ToldCharge | null)[]>
  revoke(tenant: string, license: string, reason: string): Promise<void>
}

const answerSchema = z.object({ data: z.array(usageRight) })
const chargesSchema = z.object({ data: z.array(licenseCharge.nullable()) })
const accountId = /^acct_[0-9a-z]{26}$/
const accountList = z.object({ data: z.array(z.object({ id: z.string() })) })
const nothingLeft = z.object({ code: z.literal(['invalid_state', 'not_found', 'license_not_found']) })

/** The rights link over what licensing offers. */
export function rightsOf({ check, charges, revoke }: Licensing): RightsLink {
  return {
    async check(tenant, questions) {
      const answers = await check(tenant, questions.map(questionOf))
      return answers.map(({ decision, reason }) => ({ permitted: decision === 'permit', code: reason }))
    },
    async charges(tenant, questions) {
      const asked = questions.map(({ license, customer, countItems = false }) => ({
        license,
        count_items: countItems,
        ...(customer !== undefined && { actor: customer }),
      }))
      return (await charges(tenant, asked)).map((told) => (told ? chargeOf(told) : undefined))
    },
    revoke,
  }
}

/** Where a service answers, and the key that it takes: one with the scope `service`. */
export interface Place {
  url: string
  key: string
}

/** The licensing service over HTTP. Throws Fault `unavailable` when it does not answer. */
export function httpLicensing(place: Place): Licensing {
  const remote = { name: 'licensing', ...place }
  return {
    async check(tenant, questions) {
      const call = { tenant, path: '/v1/decisions/check', body: { uses: questions } }
      return answerSchema.parse(bodyOf(call, await callService(remote, call))).data
    },
    async charges(tenant, questions) {
      const call = { tenant, path: '/v1/licenses/charges', body: { licenses: questions } }
      return chargesSchema.parse(bodyOf(call, await callService(remote, call))).data
    },
    async revoke(tenant, license, reason) {
      const path = `/v1/licenses/${encodeURIComponent(license)}/revoke`
      await change(remote, { tenant, path, body: { reason } })
    },
  }
}

/** The identity service over HTTP. Throws Fault `unavailable` when it does not answer. */
export function httpAccounts(place: Place): AccountsLink {
  const remote = { name: 'identity', ...place }

  /** The id of the account that `reference` names: its own id, or the tenant's reference for it. */
  async function accountOf(tenant: string, reference: string): Promise<string | undefined> {
    if (accountId.test(reference)) return reference
    const call = { tenant, path: `/v1/accounts?external_id=${encodeURIComponent(reference)}` }
    return accountList.parse(bodyOf(call, await callService(remote, call))).data[0]?.id
  }

  async function move(tenant: string, reference: string, deed: 'suspend' | 'reactivate', reason: string) {
    const account = await accountOf(tenant, reference)
    // A customer without an account has no keys.
    if (account === undefined) return
    await change(remote, { tenant, path: `/v1/accounts/${account}/${deed}`, body: { reason } })
  }

  return {
    suspend: (tenant, account, reason) => move(tenant, account, 'suspend', reason),
    reactivate: (tenant, account, reason) => move(tenant, account, 'reactivate', reason),
  }
}

/** Changes something that may have been changed already, or may be gone: then nothing is left to do. */
async function change(
  remote: RemoteService,
  call: { tenant: string; path: string; body: object },
): Promise<void> {
  const answer = await callService(remote, { ...call, idempotencyKey: crypto.randomUUID() })
  if (!nothingLeft.safeParse(answer.body).success) bodyOf(call, answer)
}

function chargeOf({ license, status, pricing, currency, items, ...told }: ToldCharge): LicenseCharge {
  const { effective_from: from, effective_until: until, ended_at: ended, superseded_by: next } = told
  return {
    license,
    status,
    pricing,
    currency,
    ...(items !== undefined && { items }),
    ...(from !== undefined && { effectiveFrom: new Date(from) }),
    ...(until !== undefined && { effectiveUntil: new Date(until) }),
    ...(ended !== undefined && { endedAt: new Date(ended) }),
    ...(next !== undefined && { supersededBy: next }),
  }
}

function questionOf({ customer, modelId, at, ...use }: UseInQuestion): UsageQuestion {
  const { items, purpose, region, licenses } = use
  return {
    actor: customer,
    items: [...items],
    licenses: [...licenses],
    purpose,
    ...(region !== undefined && { region }),
    ...(modelId !== undefined && { model_id: modelId }),
    at: at.toISOString(),
  }
}
