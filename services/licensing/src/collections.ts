import {
  boundText,
  licensePricing,
  licenseStatus,
  licenseTerms,
  purpose,
  royaltyRules,
} from '@tallystick/protocol'
import { collection } from '@tallystick/storage'
import { z } from 'zod'

const metadata = z.record(z.string(), z.string())

/** A set of items that belong together; `consents` are the ids of consents that cover all of it. */
export const datasets = collection('datasets', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    /** The tenant's own name for it. */
    reference: z.string().optional(),
    name: z.string(),
    creators: z.array(z.string()),
    consents: z.array(z.string()),
    consentRequired: z.boolean(),
    prohibitedUses: z.array(purpose),
    metadata,
    createdAt: z.date(),
  }),
  partition: 'tenant',
  readMostly: true,
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byReference: { keys: ['tenant', 'reference'], unique: true, where: { reference: { exists: true } } },
    byCreator: ['tenant', 'creators[]', 'createdAt'],
  },
})

/** How many items a dataset has, apart from it: so that a registration never makes a change of the dataset start over. */
export const datasetTotals = collection('dataset_totals', {
  /** The id is the dataset's. */
  schema: z.strictObject({ id: z.string(), tenant: z.string(), items: z.number() }),
  partition: 'tenant',
})

/** One piece of content. The id follows from tenant and hash, so an item is found by its hash in one read by id. */
export const items = collection('items', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    /** `sha256:` and 64 hex digits. */
    hash: z.string(),
    reference: z.string().optional(),
    dataset: z.string().optional(),
    creators: z.array(z.string()),
    /** Ids of the consents that name this item. */
    consents: z.array(z.string()),
    /** Absent: as its dataset says. */
    consentRequired: z.boolean().optional(),
    prohibitedUses: z.array(purpose),
    metadata,
    createdAt: z.date(),
  }),
  partition: 'id',
  readMostly: true,
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byDataset: ['tenant', 'dataset', 'createdAt'],
    byCreator: ['tenant', 'creators[]', 'createdAt'],
    byReference: ['tenant', 'reference'],
  },
})

/** Who agreed to what, and whether it was withdrawn. */
export const consents = collection('consents', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    subject: z.string(),
    grantedBy: z.string().optional(),
    purposes: z.array(purpose),
    regions: z.array(z.string()),
    /** Hashes; absent when `dataset` says what is covered. */
    items: z.array(z.string()).optional(),
    dataset: z.string().optional(),
    evidenceHash: z.string().optional(),
    grantedAt: z.date(),
    expiresAt: z.date().optional(),
    withdrawnAt: z.date().optional(),
    withdrawalReason: z.string().optional(),
    createdAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  readMostly: true,
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    bySubject: ['tenant', 'subject', 'createdAt'],
    byGrantor: { keys: ['tenant', 'grantedBy', 'createdAt'], where: { grantedBy: { exists: true } } },
    byWithdrawal: { keys: ['tenant', 'withdrawnAt'], where: { withdrawnAt: { exists: true } } },
    byExpiry: { keys: ['tenant', 'expiresAt'], where: { expiresAt: { exists: true } } },
    byItem: ['tenant', 'items[]', 'createdAt'],
    byDataset: ['tenant', 'dataset', 'createdAt'],
  },
})

/** Legal texts; the text itself stands in `templateVersions`. */
export const templates = collection('templates', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    latest: z.number(),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: { byTenant: ['tenant', 'createdAt'] },
})

/** One version of a legal text; its id is `<template>:<version>`. Immutable once `used`. */
export const templateVersions = collection('template_versions', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    template: z.string(),
    number: z.number(),
    text: z.string(),
    textHash: z.string(),
    variables: z.array(z.string()),
    used: z.boolean(),
    createdAt: z.date(),
  }),
  partition: 'tenant',
  indexes: { byTemplate: ['tenant', 'template', 'number'] },
})

const step = z.strictObject({ status: licenseStatus, at: z.date(), actor: z.string(), reason: z.string() })

const traded = {
  /**
   * What it covers, each as `sha256:…`, an item id turned into its hash, a dataset id, or, for what is not registered,
   * the tenant's own reference as it was written.
   */
  items: z.array(z.string()),
  pricing: licensePricing,
  royalties: royaltyRules,
  terms: licenseTerms,
  currency: z.string(),
  legalText: boundText.optional(),
  metadata,
}

/** What creators offer to anyone. */
export const offers = collection('offers', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    creator: z.string(),
    status: z.enum(['open', 'withdrawn']),
    ...traded,
    expiresAt: z.date().optional(),
    createdAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  readMostly: true,
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byStatus: ['tenant', 'status', 'createdAt'],
    byCreator: ['tenant', 'creator', 'createdAt'],
    byItem: ['tenant', 'items[]', 'status', 'createdAt'],
  },
})

/** Agreements between a creator and a buyer. */
export const licenses = collection('licenses', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    creator: z.string(),
    buyer: z.string(),
    offer: z.string().optional(),
    status: licenseStatus,
    ...traded,
    revision: z.number(),
    supersedes: z.string().optional(),
    supersededBy: z.string().optional(),
    /** The agreement holds in `[effectiveFrom, effectiveUntil)`; both are set when it is accepted. */
    effectiveFrom: z.date().optional(),
    effectiveUntil: z.date().optional(),
    /** When the clock moves it on: activation of what is accepted, expiry of what is active. */
    dueAt: z.date().optional(),
    history: z.array(step),
    createdAt: z.date(),
    updatedAt: z.date(),
    auditId: z.string(),
  }),
  partition: 'tenant',
  readMostly: true,
  indexes: {
    byTenant: ['tenant', 'createdAt'],
    byStatus: ['tenant', 'status', 'createdAt'],
    byChange: ['tenant', 'status', 'updatedAt'],
    byBuyer: ['tenant', 'buyer', 'createdAt'],
    byCreator: ['tenant', 'creator', 'createdAt'],
    byBuyerAndStatus: ['tenant', 'buyer', 'status', 'createdAt'],
    byItem: ['tenant', 'items[]', 'status', 'createdAt'],
    byBuyerAndItem: ['tenant', 'buyer', 'items[]', 'status'],
    bySupersedes: { keys: ['tenant', 'supersedes'], where: { supersedes: { exists: true } } },
    due: { keys: ['status', 'dueAt'], where: { dueAt: { exists: true } } },
  },
})

/** What an accepted or active license claims; its id is the license's. It goes when the license ends. */
export const exclusivityClaims = collection('exclusivity_claims', {
  schema: z.strictObject({
    id: z.string(),
    tenant: z.string(),
    /** The buyer's account, or the reference as it was written when there is no account. */
    buyer: z.string(),
    exclusive: z.boolean(),
    /** The license's items, each with `in:` and its dataset when it is an item of one. */
    over: z.array(z.string()),
    terms: licenseTerms,
    from: z.date(),
    until: z.date().optional(),
  }),
  partition: 'tenant',
  indexes: {
    byItem: ['tenant', 'over[]'],
    byExclusiveItem: { keys: ['tenant', 'over[]'], where: { exclusive: true } },
  },
})

/**
 * Makes acceptances over the same item or dataset see each other. `<tenant> exclusive <item>` is written by each
 * exclusive license and `<tenant> shared <item>` by each other one, in the commit that accepts it.
 */
export const exclusivityGuards = collection('exclusivity_guards', {
  schema: z.strictObject({ id: z.string(), tenant: z.string(), licenses: z.number() }),
  partition: 'tenant',
})
