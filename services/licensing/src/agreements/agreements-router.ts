import {
  contentHash,
  idSchema,
  license,
  licenseAmendment,
  licenseInput,
  licenseStatus,
  licenseUpdate,
  listOf,
  offer,
  offerInput,
  pageInput,
  reference,
} from '@tallystick/protocol'
import { parties } from '@tallystick/runtime'
import { z } from 'zod'
import { api, licensors } from '../api.ts'
import { acceptLicense } from './accept-license.ts'
import { amendLicense } from './amend-license.ts'
import { createLicense } from './create-license.ts'
import { createOffer, withdrawOffer } from './create-offer.ts'
import { endLicense } from './end-license.ts'
import { findLicense } from './find-license.ts'
import { takers } from './license-state.ts'
import { licenseText } from './license-text.ts'
import { licenseView } from './license-view.ts'
import { listLicenses } from './list-licenses.ts'
import { getOffer, listOffers } from './list-offers.ts'
import { offerLicense } from './offer-license.ts'
import { updateLicense } from './update-license.ts'

const license_id = idSchema('license')
const offer_id = idSchema('offer')
const reason = z
  .string()
  .max(500)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')

const agreements = { tags: ['Agreements'], scope: 'licenses:write', idempotency: 'required' } as const
const reading = { tags: ['Agreements'], scope: 'licenses:read' } as const
const offering = { ...licensors, tags: ['Offers'], scope: 'catalog:write', idempotency: 'required' } as const
const moves = ['license_not_found', 'invalid_state'] as const

const exampleId = 'lic_01kqxq5t8r0000000000000000'
const exampleOffer = 'offer_01kqxq5t8r0000000000000000'
const ofLicense = [{ input: { license_id: exampleId } }]
const ofOffer = [{ input: { offer_id: exampleOffer } }]
const sample = {
  creator_id: 'cr_123',
  buyer_id: 'dev_456',
  items: ['dataset_789'],
  pricing: { model: 'royalty', rate: 0.05 },
  terms: { exclusive: false, region_restrictions: [], duration_days: 365 },
}

/** Agreements, from draft to end. */
export const licenseRoutes = {
  create: api
    .procedure({
      ...agreements,
      ...parties,
      summary: 'Create an agreement and offer it to its buyer',
      description:
        'Offered at once unless `draft` is set. From an offer, called by the buyer itself, it is accepted at once. Items are hashes, ids, or references of your own; a reference that is not registered is kept as you wrote it.',
      errors: ['reference_not_found', 'invalid_state', 'exclusivity_conflict'],
      rest: { method: 'POST', path: '/v1/licenses', status: 201 },
      examples: [
        { name: 'Royalty on a dataset', input: sample },
        { name: 'From an offer', input: { buyer_id: 'dev_456', offer: exampleOffer } },
      ],
    })
    .input(licenseInput)
    .output(license)
    .mutation(({ ctx, input }) => ctx.once(() => createLicense(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      ...reading,
      summary: 'List agreements, newest first',
      description: 'All filters that are given hold together. A page may be shorter than its limit.',
      rest: { method: 'GET', path: '/v1/licenses' },
      examples: [{ input: { status: 'active', buyer_id: 'dev_456' } }],
    })
    .input(
      z.strictObject({
        ...pageInput,
        status: licenseStatus.optional(),
        buyer_id: reference.optional(),
        creator_id: reference.optional(),
        item: reference.optional(),
      }),
    )
    .output(listOf(license))
    .query(({ ctx, input }) => listLicenses(ctx.deps, ctx.caller, input)),

  get: api
    .procedure({
      ...reading,
      summary: 'An agreement with its history',
      errors: ['license_not_found'],
      rest: { method: 'GET', path: '/v1/licenses/{license_id}' },
      examples: ofLicense,
    })
    .input(z.strictObject({ license_id }))
    .output(license)
    .query(async ({ ctx, input }) => {
      const found = await findLicense(ctx.deps, ctx.caller, input.license_id)
      return licenseView(ctx.deps, found.license)
    }),

  text: api
    .procedure({
      ...reading,
      summary: 'The legal text of an agreement, as JSON or as plain text',
      errors: ['license_not_found', 'not_found'],
      rest: { method: 'GET', path: '/v1/licenses/{license_id}/text', produces: ['text/plain'] },
      examples: ofLicense,
    })
    .input(z.strictObject({ license_id }))
    .output(
      z.strictObject({
        object: z.literal('license_text'),
        license: z.string(),
        template: z.string(),
        version: z.int().positive(),
        text_hash: contentHash,
        text: z.string(),
      }),
    )
    .query(async ({ ctx, input }) => {
      const text = await licenseText(ctx.deps, ctx.caller, input.license_id)
      if (ctx.requestHeader('accept')?.startsWith('text/plain'))
        ctx.answer.raw('text/plain; charset=utf-8', text.text)
      return { object: 'license_text' as const, ...text }
    }),

  update: api
    .procedure({
      ...agreements,
      ...takers('annotate'),
      summary: 'Change a draft, or the metadata of an agreement',
      description: 'What is given replaces what was there. Once offered, only `metadata` can be changed.',
      errors: [...moves, 'reference_not_found'],
      rest: { method: 'POST', path: '/v1/licenses/{license_id}' },
      examples: [{ input: { license_id: exampleId, metadata: { order: '4711' } } }],
    })
    .input(licenseUpdate.extend({ license_id }))
    .output(license)
    .mutation(({ ctx, input }) => ctx.once(() => updateLicense(ctx.deps, ctx.caller, input))),

  offer: api
    .procedure({
      ...agreements,
      ...takers('offer'),
      summary: 'Offer a draft to its buyer',
      errors: moves,
      rest: { method: 'POST', path: '/v1/licenses/{license_id}/offer' },
      examples: ofLicense,
    })
    .input(z.strictObject({ license_id, reason: reason.optional() }))
    .output(license)
    .mutation(({ ctx, input }) => ctx.once(() => offerLicense(ctx.deps, ctx.caller, input))),

  accept: api
    .procedure({
      ...agreements,
      ...takers('accept'),
      summary: 'Accept an offered agreement',
      description: 'By its buyer. It becomes active at once unless `effective_from` is ahead.',
      errors: [...moves, 'exclusivity_conflict'],
      rest: { method: 'POST', path: '/v1/licenses/{license_id}/accept' },
      examples: ofLicense,
    })
    .input(z.strictObject({ license_id, reason: reason.optional() }))
    .output(license)
    .mutation(({ ctx, input }) => ctx.once(() => acceptLicense(ctx.deps, ctx.caller, input))),

  revoke: api
    .procedure({
      ...agreements,
      ...takers('revoke'),
      summary: 'Revoke an agreement, by its creator',
      errors: moves,
      rest: { method: 'POST', path: '/v1/licenses/{license_id}/revoke' },
      examples: [{ input: { license_id: exampleId, reason: 'consent was withdrawn' } }],
    })
    .input(z.strictObject({ license_id, reason: reason.min(1) }))
    .output(license)
    .mutation(({ ctx, input }) => ctx.once(() => endLicense(ctx.deps, ctx.caller, 'revoke', input))),

  terminate: api
    .procedure({
      ...agreements,
      ...takers('terminate'),
      summary: 'Terminate an agreement, by either party',
      description: 'A buyer declines an offered agreement so, too.',
      errors: moves,
      rest: { method: 'POST', path: '/v1/licenses/{license_id}/terminate' },
      examples: [{ input: { license_id: exampleId, reason: 'no longer needed' } }],
    })
    .input(z.strictObject({ license_id, reason: reason.min(1) }))
    .output(license)
    .mutation(({ ctx, input }) => ctx.once(() => endLicense(ctx.deps, ctx.caller, 'terminate', input))),

  amend: api
    .procedure({
      ...agreements,
      ...takers('amend'),
      summary: 'Offer a new revision of an agreement',
      description:
        'A new agreement that names the old one in `supersedes`. The old one holds until the buyer accepts the new one and that begins; then it is `superseded`.',
      errors: [...moves, 'reference_not_found'],
      rest: { method: 'POST', path: '/v1/licenses/{license_id}/amend', status: 201 },
      examples: [
        {
          input: {
            license_id: exampleId,
            pricing: { model: 'royalty', rate: '0.06' },
            reason: 'new rate',
          },
        },
      ],
    })
    .input(licenseAmendment.extend({ license_id }))
    .output(license)
    .mutation(({ ctx, input }) => ctx.once(() => amendLicense(ctx.deps, ctx.caller, input))),
}

/** What creators offer to all buyers. */
export const offerRoutes = {
  create: api
    .procedure({
      ...offering,
      summary: 'Publish an offer to all buyers',
      errors: ['reference_not_found'],
      rest: { method: 'POST', path: '/v1/offers', status: 201 },
      examples: [
        {
          input: {
            creator_id: 'cr_123',
            items: ['dataset_789'],
            pricing: { model: 'usage', metric: 'tokens', unit_price: '0.000002' },
            terms: { allowed_uses: ['train'], duration_days: 365 },
          },
        },
      ],
    })
    .input(offerInput)
    .output(offer)
    .mutation(({ ctx, input }) => ctx.once(() => createOffer(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      tags: ['Offers'],
      scope: 'catalog:read',
      summary: 'List offers, newest first',
      description: 'Buyers see what is open, creators their own. A page may be shorter than its limit.',
      rest: { method: 'GET', path: '/v1/offers' },
      examples: [{ input: { status: 'open' } }],
    })
    .input(
      z.strictObject({
        ...pageInput,
        status: offer.shape.status.optional(),
        creator_id: reference.optional(),
        item: reference.optional(),
      }),
    )
    .output(listOf(offer))
    .query(({ ctx, input }) => listOffers(ctx.deps, ctx.caller, input)),

  get: api
    .procedure({
      tags: ['Offers'],
      scope: 'catalog:read',
      summary: 'An offer',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/offers/{offer_id}' },
      examples: ofOffer,
    })
    .input(z.strictObject({ offer_id }))
    .output(offer)
    .query(({ ctx, input }) => getOffer(ctx.deps, ctx.caller, input.offer_id)),

  withdraw: api
    .procedure({
      ...offering,
      summary: 'Withdraw an open offer',
      description: 'Agreements that were made from it stay.',
      errors: ['not_found', 'invalid_state'],
      rest: { method: 'POST', path: '/v1/offers/{offer_id}/withdraw' },
      examples: [{ input: { offer_id: exampleOffer, reason: 'sold out' } }],
    })
    .input(z.strictObject({ offer_id, reason: reason.optional() }))
    .output(offer)
    .mutation(({ ctx, input }) => ctx.once(() => withdrawOffer(ctx.deps, ctx.caller, input))),
}
