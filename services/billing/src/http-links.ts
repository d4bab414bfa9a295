import { usageRight } from '@tallystick/protocol'
import type { UsageQuestion, UsageRight } from '@tallystick/protocol'
import { z } from 'zod'
import type { AccountsLink, RightsLink, UseInQuestion } from './links.ts'

/** A service over HTTP: `key` has the scope `service`, and the tenant is named by a header. */
export interface RemoteService {
  url: string
  key: string
}

/** What licensing offers to services: over HTTP, or as functions of the same process. */
export interface Licensing {
  check(tenant: string, questions: readonly UsageQuestion[]): Promise<readonly UsageRight[]>
  revoke(tenant: string, license: string, reason: string): Promise<void>
}

const timeoutMs = 30_000
const answerSchema = z.object({ data: z.array(usageRight) })
const problemSchema = z.object({ code: z.string() })

/** The rights link over what licensing offers. */
export function rightsOf({ check, revoke }: Licensing): RightsLink {
  return {
    async check(tenant, questions) {
      const answers = await check(tenant, questions.map(questionOf))
      return answers.map(({ decision, reason }) => ({ permitted: decision === 'permit', code: reason }))
    },
    revoke,
  }
}

/** The licensing service over HTTP. Rejects when it does not answer. */
export function httpLicensing(remote: RemoteService): Licensing {
  return {
    async check(tenant, questions) {
      const { body } = await post(remote, tenant, '/v1/decisions/check', { uses: questions })
      return answerSchema.parse(body).data
    },
    async revoke(tenant, license, reason) {
      const path = `/v1/licenses/${encodeURIComponent(license)}/revoke`
      // The same revocation twice is one: its key follows from what it revokes.
      await post(
        remote,
        tenant,
        path,
        { reason },
        { key: `revoke:${license}`, done: ['invalid_state', 'license_not_found'] },
      )
    },
  }
}

/** The identity service over HTTP. Rejects when it does not answer. */
export function httpAccounts(remote: RemoteService): AccountsLink {
  const change = async (tenant: string, account: string, deed: 'suspend' | 'reactivate', reason: string) => {
    const path = `/v1/accounts/${encodeURIComponent(account)}/${deed}`
    await post(
      remote,
      tenant,
      path,
      { reason },
      { key: crypto.randomUUID(), done: ['invalid_state', 'not_found'] },
    )
  }
  return {
    suspend: (tenant, account, reason) => change(tenant, account, 'suspend', reason),
    reactivate: (tenant, account, reason) => change(tenant, account, 'reactivate', reason),
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

/** Posts JSON for a tenant. Refusals with a code of `done` mean that nothing is left to do. */
async function post(
  { url, key }: RemoteService,
  tenant: string,
  path: string,
  body: object,
  once: { key?: string; done?: readonly string[] } = {},
): Promise<{ body: unknown }> {
  const response = await fetch(url.replace(/\/$/, '') + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'tallystick-tenant': tenant,
      ...(once.key !== undefined && { 'idempotency-key': once.key }),
    },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const text = await response.text()
  if (response.ok) return { body: JSON.parse(text) }
  const problem = problemSchema.safeParse(JSON.parse(text))
  if (problem.success && once.done?.includes(problem.data.code)) return { body: undefined }
  throw new Error(`${path} answered ${response.status}: ${text}`)
}
