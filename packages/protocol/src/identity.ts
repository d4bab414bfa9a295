import { z } from 'zod'
import { idSchema } from './ids.ts'
import { accountRole, scope } from './scopes.ts'
import { metadata, reference, timestamp } from './values.ts'

const email = z.email().max(254)
const country = z.string().regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code such as DE')
/** The name of a plan of rate limits. */
export const planName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be a lower-case name such as standard')

/** `POST /v1/accounts`: a party of the marketplace. `external_id` is the tenant's own reference for it. */
export const accountInput = z.strictObject({
  role: accountRole,
  name: reference,
  email: email.optional(),
  country: country.optional(),
  external_id: reference.optional(),
  plan: planName.default('standard'),
  metadata: metadata.default({}),
})
export type AccountInput = z.infer<typeof accountInput>

/** `POST /v1/accounts/{account_id}`: what is given replaces what was; null takes it away. */
export const accountUpdate = z.strictObject({
  account_id: idSchema('account'),
  name: reference.optional(),
  email: email.nullable().optional(),
  country: country.nullable().optional(),
  external_id: reference.nullable().optional(),
  plan: planName.optional(),
  metadata: metadata.optional(),
})
export type AccountUpdate = z.infer<typeof accountUpdate>

/** An account. The keys of a suspended one are refused within five seconds everywhere. */
export const account = z
  .strictObject({
    object: z.literal('account'),
    id: idSchema('account'),
    livemode: z.boolean(),
    status: z.enum(['active', 'suspended']),
    role: accountRole,
    name: z.string(),
    email: z.string().optional(),
    country: z.string().optional(),
    external_id: z.string().optional(),
    plan: z.string(),
    metadata,
    suspension_reason: z.string().optional(),
    created_at: timestamp,
    updated_at: timestamp,
    /** Of the latest change. */
    audit_id: idSchema('audit'),
  })
  .meta({ id: 'Account' })
export type Account = z.infer<typeof account>

/** `POST /v1/api-keys`. The new key can be granted only scopes that the asking key has. */
export const apiKeyInput = z.strictObject({
  /** Whose key it is: an account id or the tenant's own reference; the caller's own account unless told. */
  account: reference.optional(),
  name: reference,
  scopes: z.array(scope).min(1).max(50),
  expires_at: timestamp.optional(),
})
export type ApiKeyInput = z.infer<typeof apiKeyInput>

/** An API key without its secret. */
export const apiKey = z
  .strictObject({
    object: z.literal('api_key'),
    id: idSchema('key'),
    livemode: z.boolean(),
    status: z.enum(['active', 'expired', 'revoked']),
    account: z.string(),
    name: z.string(),
    scopes: z.array(scope),
    created_at: timestamp,
    expires_at: timestamp.optional(),
    /** After a rotation: until then the old secret works beside the new one. */
    overlap_until: timestamp.optional(),
    replaced_by: z.string().optional(),
    replaces: z.string().optional(),
    revoked_at: timestamp.optional(),
    /** Within a minute of the truth; absent for a key that was never used. */
    last_used_at: timestamp.optional(),
    /** Of the latest change. */
    audit_id: idSchema('audit').optional(),
  })
  .meta({ id: 'ApiKey' })
export type ApiKeyView = z.infer<typeof apiKey>

/** A new key. The secret is told to whoever made the request, and to nobody else ever. */
export const newApiKey = apiKey.extend({ secret: z.string().optional() }).meta({ id: 'NewApiKey' })
export type NewApiKey = z.infer<typeof newApiKey>

/** What a key is told of itself: with whose rights it speaks. */
export const selfApiKey = apiKey
  .extend({
    tenant: z.string(),
    /** The tenant's own name for the account. */
    account_reference: z.string().optional(),
    role: accountRole,
    plan: z.string(),
  })
  .meta({ id: 'SelfApiKey' })

/** A new marketplace: its founding operator account and that account's first key. */
export const newTenant = z
  .strictObject({
    object: z.literal('tenant'),
    id: idSchema('account'),
    livemode: z.boolean(),
    account,
    api_key: newApiKey,
  })
  .meta({ id: 'NewTenant' })
export type NewTenant = z.infer<typeof newTenant>
