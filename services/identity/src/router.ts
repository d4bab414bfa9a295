import {
  account,
  accountInput,
  accountRole,
  accountUpdate,
  apiKey,
  apiKeyInput,
  Fault,
  idSchema,
  listOf,
  newApiKey,
  newTenant,
  pageInput,
  reference,
  selfApiKey,
} from '@tallystick/protocol'
import { apiKeys, createApi, formatSecret, listPage } from '@tallystick/runtime'
import type { Plan } from '@tallystick/runtime'
import { StorageError } from '@tallystick/storage'
import { z } from 'zod'
import { accounts } from './collections.ts'
import { createAccount, referenceTaken } from './create-account.ts'
import { createKey } from './create-key.ts'
import type { Deps } from './deps.ts'
import { findVisibleAccount } from './find-account.ts'
import { findKey } from './find-key.ts'
import { foundTenant } from './found-tenant.ts'
import { listAccounts, listKeys } from './list-queries.ts'
import { forgetAccounts, tellAccounts } from './personal-records.ts'
import { revokeKey } from './revoke-key.ts'
import { rotateKey } from './rotate-key.ts'
import { reactivateAccount, suspendAccount } from './suspend-account.ts'
import { updateAccount } from './update-account.ts'
import { accountView, apiKeyView } from './views.ts'

const api = createApi<Deps>()
const ofAccounts = { tags: ['Accounts'] }
const ofKeys = { tags: ['API keys'] }
const accountPath = '/v1/accounts/{account_id}'
const keyPath = '/v1/api-keys/{key_id}'
const accountId = z.strictObject({ account_id: idSchema('account') })
const statusChange = accountId.extend({ reason: reference })
const keyId = z.strictObject({ key_id: idSchema('key') })
const example = { account_id: 'acct_01kqxq5t8r0000000000000000', key_id: 'key_01kqxq5t8r0000000000000000' }
const namesOfPerson = z.array(reference).min(1).max(10)
const told = z.strictObject({ object: z.string(), id: z.string() })
const toldKept = told.extend({ reason: z.string() })
// A week: longer than any deployment should need to take a new key up.
const longestOverlapSeconds = 604_800

const accountRoutes = {
  create: api
    .procedure({
      ...ofAccounts,
      summary: 'Create an account',
      description: 'A party of the marketplace: a developer, a creator, an auditor or a further operator.',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['already_exists'],
      rest: { method: 'POST', path: '/v1/accounts', status: 201 },
      examples: [{ input: { role: 'developer', name: 'Model Builders Ltd', external_id: 'buyer_7' } }],
    })
    .input(accountInput)
    .output(account)
    .mutation(({ ctx, input }) =>
      referenceChecked(() => ctx.once(() => createAccount(ctx.deps, ctx.caller, input))),
    ),

  list: api
    .procedure({
      ...ofAccounts,
      summary: 'List accounts, newest first',
      description: 'Operators and auditors see all accounts of their marketplace, others their own.',
      scope: 'accounts:read',
      rest: { method: 'GET', path: '/v1/accounts' },
    })
    .input(z.strictObject({ ...pageInput, role: accountRole.optional(), external_id: reference.optional() }))
    .output(listOf(account))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/accounts' },
        input,
        (query) => listAccounts(deps, caller, input, query),
        (found) => accountView(found, deps.mode),
      ),
    ),

  get: api
    .procedure({
      ...ofAccounts,
      summary: 'An account',
      scope: 'accounts:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: accountPath },
      examples: [{ input: { account_id: example.account_id } }],
    })
    .input(accountId)
    .output(account)
    .query(async ({ ctx: { deps, caller }, input }) =>
      accountView(await findVisibleAccount(deps, caller, input.account_id), deps.mode),
    ),

  update: api
    .procedure({
      ...ofAccounts,
      summary: 'Change an account',
      description: 'What is given replaces what was; null takes a field away. The role of an account stays.',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['not_found', 'already_exists', 'conflict'],
      rest: { method: 'POST', path: accountPath },
      examples: [{ input: { account_id: example.account_id, name: 'Model Builders GmbH', country: 'DE' } }],
    })
    .input(accountUpdate)
    .output(account)
    .mutation(async ({ ctx, input }) => {
      const answer = await referenceChecked(() => ctx.once(() => updateAccount(ctx.deps, ctx.caller, input)))
      ctx.deps.keys.forget()
      return answer
    }),

  suspend: api
    .procedure({
      ...ofAccounts,
      summary: 'Suspend an account',
      description: 'Its keys are refused everywhere within five seconds, until it is reactivated.',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['not_found', 'invalid_state', 'conflict'],
      rest: { method: 'POST', path: `${accountPath}/suspend` },
      examples: [{ input: { account_id: example.account_id, reason: 'invoice overdue' } }],
    })
    .input(statusChange)
    .output(account)
    .mutation(async ({ ctx, input }) => {
      const answer = await ctx.once(() => suspendAccount(ctx.deps, ctx.caller, input))
      ctx.deps.keys.forget()
      return answer
    }),

  reactivate: api
    .procedure({
      ...ofAccounts,
      summary: 'Reactivate a suspended account',
      scope: 'accounts:write',
      idempotency: 'required',
      errors: ['not_found', 'invalid_state', 'conflict'],
      rest: { method: 'POST', path: `${accountPath}/reactivate` },
      examples: [{ input: { account_id: example.account_id, reason: 'invoice paid' } }],
    })
    .input(statusChange)
    .output(account)
    .mutation(async ({ ctx, input }) => {
      const answer = await ctx.once(() => reactivateAccount(ctx.deps, ctx.caller, input))
      ctx.deps.keys.forget()
      return answer
    }),
}

const personalRoutes = {
  tell: api
    .procedure({
      ...ofAccounts,
      summary: 'The accounts of a person, for the export of their data',
      scope: 'service',
      rest: { method: 'POST', path: '/v1/accounts/personal-data' },
      examples: [{ input: { names: ['cr_123'] } }],
    })
    .input(z.strictObject({ names: namesOfPerson }))
    .output(z.strictObject({ object: z.literal('personal_data'), data: z.array(account) }))
    .mutation(async ({ ctx: { deps, caller }, input }) => ({
      object: 'personal_data' as const,
      data: await tellAccounts(deps, caller.tenant, input.names),
    })),

  forget: api
    .procedure({
      ...ofAccounts,
      summary: 'Take a person’s data from their accounts and revoke their keys',
      description: 'Part of an erasure that the licensing service carries out. Idempotent.',
      scope: 'service',
      rest: { method: 'POST', path: '/v1/accounts/erasures' },
      examples: [{ input: { names: ['cr_123'], pseudonym: 'erased_01kqxq5t8r0000000000000000' } }],
    })
    .input(z.strictObject({ names: namesOfPerson, pseudonym: reference }))
    .output(z.strictObject({ object: z.literal('erasure'), erased: z.array(told), kept: z.array(toldKept) }))
    .mutation(async ({ ctx: { deps, caller }, input }) => ({
      object: 'erasure' as const,
      ...(await forgetAccounts(deps, caller.tenant, input.names)),
    })),
}

const tenantRoutes = {
  create: api
    .procedure({
      tags: ['Marketplaces'],
      summary: 'Found a marketplace',
      description:
        'Its operator account, whose id is the tenant of all that follows, and that account’s first key.',
      scope: 'platform',
      idempotency: 'required',
      secretAnswer: true,
      rest: { method: 'POST', path: '/v1/tenants', status: 201 },
      examples: [{ input: { name: 'Example Data Market', country: 'DE' } }],
    })
    .input(
      z.strictObject({
        name: reference,
        email: accountInput.shape.email,
        country: accountInput.shape.country,
      }),
    )
    .output(newTenant)
    .mutation(({ ctx, input }) =>
      ctx.once(async () => {
        const secret = newSecret(ctx.deps)
        const { writes, answer } = foundTenant(ctx.deps, { ...input, actor: ctx.caller.account }, secret)
        const { account: founder, key } = answer
        return {
          writes,
          answer: {
            object: 'tenant' as const,
            id: founder.id,
            livemode: founder.livemode,
            account: founder,
            api_key: { ...key, secret },
          },
        }
      }),
    ),
}

const keyRoutes = {
  create: api
    .procedure({
      ...ofKeys,
      summary: 'Create an API key',
      description:
        'The secret is told once. A key grants only scopes that it has itself; operators make keys for every account of their marketplace, others for their own.',
      scope: 'keys:write',
      idempotency: 'required',
      secretAnswer: true,
      errors: ['reference_not_found', 'invalid_state', 'conflict'],
      rest: { method: 'POST', path: '/v1/api-keys', status: 201 },
      examples: [{ input: { name: 'ingestion', scopes: ['usage:write'] } }],
    })
    .input(apiKeyInput)
    .output(newApiKey)
    .mutation(({ ctx, input }) =>
      ctx.once(() => withSecret(ctx.deps, (secret) => createKey(ctx.deps, ctx.caller, input, secret))),
    ),

  list: api
    .procedure({
      ...ofKeys,
      summary: 'List API keys, newest first',
      scope: 'keys:read',
      rest: { method: 'GET', path: '/v1/api-keys' },
    })
    .input(z.strictObject({ ...pageInput, account: idSchema('account').optional() }))
    .output(listOf(apiKey))
    .query(({ ctx: { deps, caller }, input }) =>
      listPage(
        { tenant: caller.tenant, url: '/v1/api-keys' },
        input,
        (query) => listKeys(deps, caller, input, query),
        (key) => apiKeyView(key, deps.now()),
      ),
    ),

  self: api
    .procedure({
      ...ofKeys,
      summary: 'The key that asks',
      description: 'Takes any key that works, whatever its scopes: it tells whose it is and what it may do.',
      scope: 'any',
      rest: { method: 'GET', path: '/v1/api-keys/self' },
    })
    .output(selfApiKey)
    .query(async ({ ctx }) => {
      const { tenant, reference, role, plan, keyId: id } = ctx.caller
      const key = await ctx.deps.store.get(apiKeys, id)
      if (!key) throw new Fault('unauthorized')
      const account = reference === undefined ? {} : { account_reference: reference }
      return { ...apiKeyView(key, ctx.deps.now()), ...account, tenant, role, plan }
    }),

  get: api
    .procedure({
      ...ofKeys,
      summary: 'An API key, without its secret',
      scope: 'keys:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: keyPath },
      examples: [{ input: { key_id: example.key_id } }],
    })
    .input(keyId)
    .output(apiKey)
    .query(async ({ ctx: { deps, caller }, input }) =>
      apiKeyView(await findKey(deps, caller, input.key_id), deps.now()),
    ),

  rotate: api
    .procedure({
      ...ofKeys,
      summary: 'Replace an API key',
      description:
        'Gives a new key with the same rights. The old secret works until `overlap_seconds` have passed, so that all who use it can change over.',
      scope: 'keys:write',
      idempotency: 'required',
      secretAnswer: true,
      errors: ['not_found', 'invalid_state', 'conflict'],
      rest: { method: 'POST', path: `${keyPath}/rotate`, status: 201 },
      examples: [{ input: { key_id: example.key_id, overlap_seconds: 86_400 } }],
    })
    .input(keyId.extend({ overlap_seconds: z.int().min(0).max(longestOverlapSeconds).default(0) }))
    .output(newApiKey)
    .mutation(async ({ ctx, input }) => {
      const answer = await ctx.once(() =>
        withSecret(ctx.deps, (secret) => rotateKey(ctx.deps, ctx.caller, input, secret)),
      )
      ctx.deps.keys.forget()
      return answer
    }),

  revoke: api
    .procedure({
      ...ofKeys,
      summary: 'Revoke an API key',
      description: 'It is refused by every copy of every service within five seconds.',
      scope: 'keys:write',
      idempotency: 'required',
      errors: ['not_found', 'conflict'],
      rest: { method: 'POST', path: `${keyPath}/revoke` },
      examples: [{ input: { key_id: example.key_id, reason: 'leaked' } }],
    })
    .input(keyId.extend({ reason: reference.optional() }))
    .output(apiKey)
    .mutation(async ({ ctx, input }) => {
      const answer = await ctx.once(() => revokeKey(ctx.deps, ctx.caller, input))
      ctx.deps.keys.forget()
      return answer
    }),
}

/** The identity service's procedures: the same over tRPC and REST. */
export const router = api.router({
  accounts: api.router(accountRoutes),
  personalData: api.router(personalRoutes),
  tenants: api.router(tenantRoutes),
  apiKeys: api.router(keyRoutes),
})

/** The type that clients of the identity service are made from. */
export type IdentityRouter = typeof router

function newSecret({ mode, random }: Pick<Deps, 'mode' | 'random'>): string {
  return formatSecret(mode, random(32))
}

async function withSecret<T>(
  deps: Pick<Deps, 'mode' | 'random'>,
  plan: (secret: string) => Promise<Plan<T>>,
): Promise<Plan<T & { secret: string }>> {
  const secret = newSecret(deps)
  const { writes, answer } = await plan(secret)
  return { writes, answer: { ...answer, secret } }
}

/** Two requests that give the same reference at once: the storage refuses the second. */
async function referenceChecked<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    const taken =
      error instanceof StorageError && error.code === 'DuplicateKey' && error.collection === accounts.name
    throw taken ? referenceTaken() : error
  }
}
