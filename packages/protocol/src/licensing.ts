import { z } from 'zod'
import { idSchema } from './ids.ts'
import { currencyCode, rate } from './money.ts'
import { contentHash, decimal, metadata, reference, timestamp } from './values.ts'

/** What data may be used for. */
export const purpose = z.enum(['train', 'fine_tune', 'retrieval', 'inference', 'evaluate'])
export type Purpose = z.infer<typeof purpose>

/** An ISO 3166-1 alpha-2 country, or `EU` or `EEA` for all of their members. */
export const region = z
  .string()
  .regex(/^[A-Z]{2,3}$/, 'must be an ISO 3166-1 alpha-2 code, EU or EEA')
  .meta({ examples: ['DE'] })

// The source's own sample writes a rate as a JSON number; its shortest decimal form is what was meant.
const writtenRate = z.union([
  rate,
  z
    .number()
    .min(0)
    .max(1)
    .refine((value) => /^(0|1|0\.[0-9]{1,12})$/.test(String(value)), 'must have at most 12 fraction digits')
    .transform(String),
])

const metricName = z.string().regex(/^[a-z][a-z0-9_.]{0,63}$/, 'must be a lower-case name such as tokens')

/** How a license is paid for. Prices per unit are decimals in major units, amounts are minor units. */
export const licensePricing = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('per_item'), unit_price: decimal }),
  z.strictObject({ model: z.literal('usage'), metric: metricName, unit_price: decimal }),
  z.strictObject({ model: z.literal('royalty'), rate: writtenRate }),
  z.strictObject({
    model: z.literal('subscription'),
    amount: z.int().nonnegative(),
    interval: z.enum(['month', 'year']),
    /** How many seats are paid for: `amount` is what each costs. Without it, `amount` is for everybody. */
    seats: z.int().positive().max(1_000_000).optional(),
  }),
  z.strictObject({ model: z.literal('upfront_royalty'), amount: z.int().nonnegative(), rate: writtenRate }),
  z.strictObject({
    model: z.literal('escrow'),
    amount: z.int().positive(),
    milestones: z
      .array(z.strictObject({ name: reference, share: rate }))
      .min(1)
      .max(50),
  }),
])
export type LicensePricing = z.infer<typeof licensePricing>

/** Who gets what of a royalty. Shares of one line sum to 1 at most; the rest is the creator's. */
export const royaltyRules = z.strictObject({
  splits: z
    .array(z.strictObject({ party: reference, share: rate }))
    .max(100)
    .default([]),
  /** Least amount due for a period, in minor units. */
  floor: z.int().nonnegative().optional(),
  /** Most that is ever due, in minor units. */
  cap: z.int().positive().optional(),
  /** Advance that royalties pay back first, in minor units. */
  recoupment: z.int().nonnegative().optional(),
  platform_fee: rate.default('0'),
})
export type RoyaltyRules = z.infer<typeof royaltyRules>

/** What a license allows. Lists of regions, models and uses are sets: their order says nothing. */
export const licenseTerms = z.strictObject({
  exclusive: z.boolean().default(false),
  /** Where the data may be used; empty means everywhere. */
  region_restrictions: z.array(region).max(300).default([]),
  /** Where it may never be used, whatever `region_restrictions` says. */
  excluded_regions: z.array(region).max(300).default([]),
  allowed_uses: z.array(purpose).max(5).default(['train', 'fine_tune', 'evaluate']),
  prohibited_uses: z.array(purpose).max(5).default([]),
  /** The models that may use the data; empty means any model of the buyer. */
  models: z.array(reference).max(100).default([]),
  duration_days: z.int().positive().max(36_500).optional(),
  seats: z.int().positive().max(1_000_000).optional(),
  sublicense: z.boolean().default(false),
})
export type LicenseTerms = z.infer<typeof licenseTerms>

/** `draft → offered → accepted → active →` one of the last four, which are final. */
export const licenseStatus = z.enum([
  'draft',
  'offered',
  'accepted',
  'active',
  'expired',
  'revoked',
  'terminated',
  'superseded',
])
export type LicenseStatus = z.infer<typeof licenseStatus>

/** The legal text that an agreement is bound to: which version, with which values, and what exactly it says. */
export const boundText = z.strictObject({
  template: idSchema('template'),
  version: z.int().positive(),
  variables: z.record(z.string().max(64), z.string().max(2000)),
  /** SHA-256 of the rendered text in UTF-8. */
  text_hash: contentHash,
})
export type BoundText = z.infer<typeof boundText>

const createTerms = {
  /** Item hashes, item or dataset ids, or references of the tenant's own for datasets and items. */
  items: z.array(reference).min(1).max(1000),
  pricing: licensePricing,
  royalties: royaltyRules.prefault({}),
  terms: licenseTerms.prefault({}),
  currency: currencyCode.default('USD'),
  legal_text: z
    .strictObject({
      template: idSchema('template'),
      version: z.int().positive().optional(),
      variables: z.record(z.string().max(64), z.string().max(2000)).default({}),
    })
    .optional(),
  metadata: metadata.default({}),
}

/** `POST /v1/licenses`. Parties are account ids or references of the tenant's own. */
export const licenseInput = z.strictObject({
  /** The caller's own account unless told, when a creator calls. */
  creator_id: reference.optional(),
  buyer_id: reference,
  /** Takes items, pricing, terms and text from a published offer; what is given beside it must be absent then. */
  offer: idSchema('offer').optional(),
  items: createTerms.items.optional(),
  pricing: licensePricing.optional(),
  royalties: royaltyRules.optional(),
  terms: licenseTerms.optional(),
  currency: currencyCode.optional(),
  legal_text: createTerms.legal_text,
  metadata: createTerms.metadata,
  effective_from: timestamp.optional(),
  effective_until: timestamp.optional(),
  /** Kept as a draft, which the other party does not see. */
  draft: z.boolean().default(false),
})
export type LicenseInput = z.infer<typeof licenseInput>

/** A new text of an agreement that is left as it is until the buyer accepts the new one; what is not given stays. */
export const licenseAmendment = z.strictObject({
  items: createTerms.items.optional(),
  pricing: licensePricing.optional(),
  royalties: royaltyRules.optional(),
  terms: licenseTerms.optional(),
  currency: currencyCode.optional(),
  legal_text: createTerms.legal_text,
  metadata: metadata.optional(),
  effective_from: timestamp.optional(),
  effective_until: timestamp.optional(),
  reason: reference,
})
export type LicenseAmendment = z.infer<typeof licenseAmendment>

/** Changes to a draft; of an agreement that was offered, only `metadata` can be changed. */
export const licenseUpdate = licenseAmendment.extend({
  buyer_id: reference.optional(),
  reason: reference.optional(),
})
export type LicenseUpdate = z.infer<typeof licenseUpdate>

/** One step of an agreement's life. */
export const licenseStep = z.strictObject({
  status: licenseStatus,
  at: timestamp,
  actor: z.string(),
  reason: z.string(),
})

/** An agreement between a creator and a buyer. */
export const license = z.strictObject({
  object: z.literal('license'),
  id: idSchema('license'),
  livemode: z.boolean(),
  status: licenseStatus,
  creator_id: z.string(),
  buyer_id: z.string(),
  offer: z.string().optional(),
  items: z.array(z.string()),
  pricing: licensePricing,
  royalties: royaltyRules,
  terms: licenseTerms,
  currency: currencyCode,
  legal_text: boundText.optional(),
  metadata,
  /** 1 for a new agreement, one more for each amendment. */
  revision: z.int().positive(),
  supersedes: z.string().optional(),
  superseded_by: z.string().optional(),
  effective_from: timestamp.optional(),
  effective_until: timestamp.optional(),
  created_at: timestamp,
  updated_at: timestamp,
  history: z.array(licenseStep),
  /** What a reader might overlook, such as a use that is both allowed and prohibited. */
  notes: z.array(z.string()).optional(),
  /** The audit id of the latest step. */
  audit_id: idSchema('audit'),
})
export type License = z.infer<typeof license>

/** What a creator offers to anyone in the marketplace. */
export const offerInput = z.strictObject({
  /** The caller's own account unless told, when a creator calls. */
  creator_id: reference.optional(),
  ...createTerms,
  expires_at: timestamp.optional(),
})
export type OfferInput = z.infer<typeof offerInput>

export const offer = z.strictObject({
  object: z.literal('offer'),
  id: idSchema('offer'),
  livemode: z.boolean(),
  status: z.enum(['open', 'withdrawn', 'expired']),
  creator_id: z.string(),
  items: z.array(z.string()),
  pricing: licensePricing,
  royalties: royaltyRules,
  terms: licenseTerms,
  currency: currencyCode,
  legal_text: boundText.optional(),
  metadata,
  expires_at: timestamp.optional(),
  created_at: timestamp,
  audit_id: idSchema('audit'),
})
export type Offer = z.infer<typeof offer>

/** Legal text with `{{variables}}`. A version is immutable once an agreement or offer uses it. */
export const template = z.strictObject({
  object: z.literal('template'),
  id: idSchema('template'),
  livemode: z.boolean(),
  name: z.string(),
  version: z.int().positive(),
  text: z.string(),
  text_hash: contentHash,
  variables: z.array(z.string()),
  used: z.boolean(),
  created_at: timestamp,
})

/** Who agreed to what. Needed before a use unless the dataset or item says otherwise; withdrawal acts at once. */
export const consentInput = z.strictObject({
  /** Whose consent it is: an account id or a reference of the tenant's own. */
  subject: reference,
  granted_by: reference.optional(),
  purposes: z.array(purpose).min(1).max(5),
  regions: z.array(region).max(300).default([]),
  /** Exactly one of `items` (hashes) and `dataset` says what it covers. */
  items: z.array(contentHash).min(1).max(1000).optional(),
  dataset: reference.optional(),
  /** SHA-256 of what shows the consent: a signed form, a recording, a log line. */
  evidence_hash: contentHash.optional(),
  granted_at: timestamp.optional(),
  expires_at: timestamp.optional(),
})

export const consent = z.strictObject({
  object: z.literal('consent'),
  id: idSchema('consent'),
  livemode: z.boolean(),
  status: z.enum(['active', 'expired', 'withdrawn']),
  subject: z.string(),
  granted_by: z.string().optional(),
  purposes: z.array(purpose),
  regions: z.array(region),
  items: z.array(contentHash).optional(),
  dataset: z.string().optional(),
  evidence_hash: contentHash.optional(),
  granted_at: timestamp,
  expires_at: timestamp.optional(),
  withdrawn_at: timestamp.optional(),
  withdrawal_reason: z.string().optional(),
  created_at: timestamp,
  audit_id: idSchema('audit'),
})

export const dataset = z.strictObject({
  object: z.literal('dataset'),
  id: idSchema('dataset'),
  livemode: z.boolean(),
  reference: z.string().optional(),
  name: z.string(),
  creators: z.array(z.string()),
  consent_required: z.boolean(),
  prohibited_uses: z.array(purpose),
  items: z.int().nonnegative(),
  metadata,
  created_at: timestamp,
})

export const item = z.strictObject({
  object: z.literal('item'),
  id: idSchema('item'),
  livemode: z.boolean(),
  hash: contentHash,
  reference: z.string().optional(),
  dataset: idSchema('dataset').optional(),
  creators: z.array(z.string()),
  consent_required: z.boolean(),
  prohibited_uses: z.array(purpose),
  metadata,
  created_at: timestamp,
})

/** `POST /v1/decisions`: may `actor` use `items` for `purpose`? An unknown purpose is answered with deny. */
export const decisionInput = z.strictObject({
  /** The buyer: an account id or a reference of the tenant's own. A developer's key may leave it out. */
  actor: reference.optional(),
  items: z.array(contentHash).min(1).max(1000),
  purpose: reference,
  region: region.optional(),
  model_id: reference.optional(),
  /** The moment of the use, now unless told; at most 5 minutes ahead. */
  at: timestamp.optional(),
  /** Only these agreements count; all of the actor's unless told. */
  licenses: z.array(idSchema('license')).min(1).max(100).optional(),
})
export type DecisionInput = z.infer<typeof decisionInput>

/** Why an item was permitted or denied: one clause that was looked at. */
export const decisionClause = z.strictObject({
  clause: z.enum(['item', 'prohibition', 'consent', 'license', 'term', 'region', 'purpose', 'model']),
  result: z.enum(['permit', 'deny', 'note']),
  /** A stable code such as `license_active` or `consent_withdrawn`. */
  code: z.string(),
  /** The agreement, consent, item or dataset that says so. */
  source: z.string().optional(),
  /** SHA-256 of the legal text that the agreement is bound to. */
  text_hash: contentHash.optional(),
  message: z.string(),
})
export type DecisionClause = z.infer<typeof decisionClause>

export const itemDecision = z.strictObject({
  item: contentHash,
  decision: z.enum(['permit', 'deny']),
  /** The agreement that permits. */
  license: z.string().optional(),
  /** The code of the deciding clause. */
  reason: z.string(),
  trace: z.array(decisionClause),
  /** Offers that would permit the use, where a license is missing. */
  offers: z.array(z.string()).optional(),
})
export type ItemDecision = z.infer<typeof itemDecision>

export const decision = z.strictObject({
  object: z.literal('decision'),
  livemode: z.boolean(),
  decision: z.enum(['permit', 'deny', 'partial']),
  actor: z.string(),
  purpose: z.string(),
  region: z.string().optional(),
  model_id: z.string().optional(),
  at: timestamp,
  data: z.array(itemDecision),
  audit_id: idSchema('audit'),
})
export type Decision = z.infer<typeof decision>

/** One reported use whose right is asked for by a service: named agreements and items must all permit it. */
export const usageQuestion = z.strictObject({
  actor: reference,
  items: z.array(contentHash).max(1000),
  licenses: z.array(reference).max(100),
  purpose: reference,
  region: region.optional(),
  model_id: reference.optional(),
  at: timestamp,
})
export type UsageQuestion = z.infer<typeof usageQuestion>

/** Whether a reported use was allowed; `source` is the agreement or item that the reason is about. */
export const usageRight = z.strictObject({
  decision: z.enum(['permit', 'deny']),
  /** The code of the deciding clause. */
  reason: z.string(),
  source: z.string().optional(),
})
export type UsageRight = z.infer<typeof usageRight>

/** Which agreement a service is about to charge. */
export const licenseChargeQuestion = z.strictObject({
  license: idSchema('license'),
  /** Who is to pay: an agreement of another buyer is not told. */
  actor: reference.optional(),
  /** Whether its items are to be counted, where it is paid by the item. */
  count_items: z.boolean().default(false),
})
export type LicenseChargeQuestion = z.infer<typeof licenseChargeQuestion>

/** What an agreement says of its payment, and how long it holds. */
export const licenseCharge = z.strictObject({
  license: idSchema('license'),
  status: licenseStatus,
  pricing: licensePricing,
  currency: currencyCode,
  /** How many items it covers, where asked for; those of datasets included. Absent where some are not registered. */
  items: z.int().nonnegative().optional(),
  effective_from: timestamp.optional(),
  effective_until: timestamp.optional(),
  /** When it expired, was revoked, terminated or superseded. */
  ended_at: timestamp.optional(),
  superseded_by: z.string().optional(),
})
export type LicenseCharge = z.infer<typeof licenseCharge>
