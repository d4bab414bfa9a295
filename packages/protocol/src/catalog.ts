import { z } from 'zod'
import { idSchema } from './ids.ts'
import { item, purpose } from './licensing.ts'
import { contentHash, metadata, reference } from './values.ts'

const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must not contain control characters')
const creators = z.array(reference).min(1).max(20)
const purposes = z.array(purpose).max(5)

/** `POST /v1/datasets`. Creators are account ids or references of the tenant's own. */
export const datasetInput = z.strictObject({
  name,
  /** The tenant's own name for it, by which other requests may call it; taken once. */
  reference: reference.optional(),
  creators,
  /** Whether a use needs a consent, beside a license. */
  consent_required: z.boolean().default(true),
  /** What none of its items may be used for, whatever a license says. */
  prohibited_uses: purposes.default([]),
  metadata: metadata.default({}),
})
export type DatasetInput = z.infer<typeof datasetInput>

/** What of a dataset may change; what is left out stays. */
export const datasetUpdate = z.strictObject({
  name: name.optional(),
  creators: creators.optional(),
  consent_required: z.boolean().optional(),
  prohibited_uses: purposes.optional(),
  metadata: metadata.optional(),
})
export type DatasetUpdate = z.infer<typeof datasetUpdate>

/** An item of a manifest in NDJSON: what stands on one line. */
export const manifestItem = z.strictObject({
  hash: contentHash,
  /** The tenant's own name for it, such as a file name. */
  reference: reference.optional(),
  /** Those of the dataset unless told. */
  creators: creators.optional(),
  /** As the dataset says unless told. */
  consent_required: z.boolean().optional(),
  prohibited_uses: purposes.default([]),
  metadata: metadata.default({}),
})
export type ManifestItem = z.infer<typeof manifestItem>

/** `POST /v1/items`. An item has a dataset (its id, or the tenant's reference for it), creators, or both. */
export const itemInput = manifestItem.extend({ dataset: reference.optional() })
export type ItemInput = z.infer<typeof itemInput>

/** What of an item may change; what is left out stays. */
export const itemUpdate = z.strictObject({
  consent_required: z.boolean().optional(),
  prohibited_uses: purposes.optional(),
  metadata: metadata.optional(),
})
export type ItemUpdate = z.infer<typeof itemUpdate>

/** An item with what stands for its use. */
export const itemDetail = item.extend({
  /** Open offers that cover it, the newest 100. */
  offers: z.array(z.string()),
  /** Consents that name it or its dataset, whatever became of them; not told to developers. */
  consents: z.array(z.string()).optional(),
})
export type ItemDetail = z.infer<typeof itemDetail>

const refusal = { code: z.string(), detail: z.string() }

/** What became of one item of a batch. */
export const itemOutcome = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('registered'), hash: contentHash, id: idSchema('item') }),
  z.strictObject({ status: z.literal('duplicate'), hash: contentHash, id: idSchema('item') }),
  z.strictObject({ status: z.literal('refused'), hash: contentHash, error: z.strictObject(refusal) }),
])
export type ItemOutcome = z.infer<typeof itemOutcome>

/** The answer to a batch: `data` in the order of the request. */
export const itemOutcomes = z.strictObject({
  object: z.literal('item_outcomes'),
  registered: z.int(),
  duplicates: z.int(),
  refused: z.int(),
  data: z.array(itemOutcome),
})

/** The answer to a manifest. */
export const manifestSummary = z.strictObject({
  object: z.literal('manifest_summary'),
  dataset: idSchema('dataset'),
  lines: z.int(),
  registered: z.int(),
  duplicates: z.int(),
  refused: z.int(),
  /** The first 100 refusals; lines count from 1. */
  errors: z.array(z.strictObject({ line: z.int(), ...refusal })),
})
export type ManifestSummary = z.infer<typeof manifestSummary>

/** `POST /v1/consents/{consent_id}/withdraw`. */
export const consentWithdrawal = z.strictObject({ reason: z.string().min(1).max(500) })

const templateText = z
  .string()
  .min(1)
  .max(200_000)
  .refine((text) => text.isWellFormed(), 'must not contain lone surrogates')

/** `POST /v1/templates`: a legal text with `{{variables}}`. */
export const templateInput = z.strictObject({ name, text: templateText })
export type TemplateInput = z.infer<typeof templateInput>

/** What of a template may change. A new text makes a new version once the latest is used. */
export const templateUpdate = z.strictObject({ name: name.optional(), text: templateText.optional() })
export type TemplateUpdate = z.infer<typeof templateUpdate>
