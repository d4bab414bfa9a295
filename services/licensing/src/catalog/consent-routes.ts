import {
  consent,
  consentInput,
  consentWithdrawal,
  contentHash,
  idSchema,
  listOf,
  pageInput,
  reference,
} from '@tallystick/protocol'
import { z } from 'zod'
import { api, licensors } from '../api.ts'
import { consentView } from './consent-view.ts'
import { exampleIds } from './examples.ts'
import { requireConsent } from './find-consent.ts'
import { grantConsent } from './grant-consent.ts'
import { listConsents } from './list-consents.ts'
import { withdrawConsent } from './withdraw-consent.ts'

const tags = ['Consents']
const consentId = { consent_id: idSchema('consent') }
const filters = {
  subject: reference.optional(),
  item: z.union([idSchema('item'), contentHash]).optional(),
  dataset: reference.optional(),
}

/** `/v1/consents`. */
export const consentRoutes = {
  grant: api
    .procedure({
      ...licensors,
      tags,
      summary: 'Record a consent',
      description: 'For up to 1,000 registered items, or for all items of a dataset.',
      scope: 'catalog:write',
      idempotency: 'accepted',
      errors: ['reference_not_found'],
      rest: { method: 'POST', path: '/v1/consents', status: 201 },
      examples: [{ input: { subject: 'cr_123', purposes: ['train'], items: [exampleIds.hash] } }],
    })
    .input(consentInput)
    .output(consent)
    .mutation(({ ctx, input }) => ctx.once(() => grantConsent(ctx.deps, ctx.caller, input))),

  list: api
    .procedure({
      tags,
      summary: 'List consents, newest first',
      description: 'Filtered by a subject, an item (its id or hash) or a dataset, not by several of them.',
      scope: 'catalog:read',
      rest: { method: 'GET', path: '/v1/consents' },
      examples: [{ input: { subject: 'cr_123' } }],
    })
    .input(z.strictObject({ ...filters, ...pageInput }))
    .output(listOf(consent))
    .query(({ ctx, input }) => listConsents(ctx.deps, ctx.caller, input)),

  get: api
    .procedure({
      tags,
      summary: 'A consent',
      scope: 'catalog:read',
      errors: ['not_found'],
      rest: { method: 'GET', path: '/v1/consents/{consent_id}' },
      examples: [{ input: { consent_id: exampleIds.consent } }],
    })
    .input(z.strictObject(consentId))
    .output(consent)
    .query(async ({ ctx, input }) => {
      const found = await requireConsent(ctx.deps, ctx.caller, input.consent_id)
      return consentView(ctx.deps.livemode, found, ctx.deps.now())
    }),

  withdraw: api
    .procedure({
      ...licensors,
      tags,
      summary: 'Withdraw a consent',
      description: 'Every decision from now on knows of it. One that is withdrawn already stays as it is.',
      scope: 'catalog:write',
      idempotency: 'accepted',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/consents/{consent_id}/withdraw' },
      examples: [{ input: { consent_id: exampleIds.consent, reason: 'asked by mail' } }],
    })
    .input(consentWithdrawal.extend(consentId))
    .output(consent)
    .mutation(({ ctx, input: { consent_id, ...withdrawal } }) =>
      ctx.once(() => withdrawConsent(ctx.deps, ctx.caller, consent_id, withdrawal)),
    ),
}
