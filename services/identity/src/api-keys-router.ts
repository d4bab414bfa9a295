import {
  apiKey,
  apiKeyInput,
  Fault,
  idSchema,
  listOf,
  newApiKey,
  pageInput,
  reference,
  selfApiKey,
} from '@tallystick/protocol'
import { apiKeys, listPage } from '@tallystick/runtime'
import { z } from 'zod'
import { api } from './api.ts'
import { createKey } from './create-key.ts'
import { findKey } from './find-key.ts'
import { listKeys } from './list-queries.ts'
import { revokeKey } from './revoke-key.ts'
import { rotateKey } from './rotate-key.ts'
import { apiKeyView } from './views.ts'
import { withSecret } from './with-secret.ts'

const ofKeys = { tags: ['API keys'] }
const keyPath = '/v1/api-keys/{key_id}'
const keyId = z.strictObject({ key_id: idSchema('key') })
const example = { key_id: 'key_01kqxq5t8r0000000000000000' }
// A week: longer than any deployment should need to take a new key up.
const longestOverlapSeconds = 604_800

/** API keys, from creation to end. */
export const apiKeysRouter = api.router({
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
})
