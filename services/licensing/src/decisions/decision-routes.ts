import { decision, decisionInput, usageQuestion, usageRight } from '@tallystick/protocol'
import { z } from 'zod'
import { api } from '../api.ts'
import { decideForUsage } from './decide-for-usage.ts'
import { decideUse } from './decide-use.ts'

const hash = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

const procedures = {
  create: api
    .procedure({
      tags: ['Decisions'],
      summary: 'Ask whether items may be used, and get a receipt for the answer',
      description:
        'Answers permit or deny for each item, with the clauses that it rests on. Prohibitions win, an unknown purpose is denied, and a missing license is denied with the offers that would permit the use. An operator may ask for any actor of the marketplace, a developer for itself.',
      scope: 'decisions:write',
      errors: ['not_found'],
      rest: { method: 'POST', path: '/v1/decisions' },
      idempotency: 'accepted',
      examples: [
        {
          name: 'May these items train a model?',
          input: { items: [hash], purpose: 'train', region: 'DE', model_id: 'model-1' },
        },
        { name: 'For another actor', input: { actor: 'buyer_1', items: [hash], purpose: 'retrieval' } },
      ],
    })
    .input(decisionInput)
    .output(decision)
    .mutation(({ ctx, input }) => ctx.once(() => decideUse(ctx.deps, ctx.caller, input))),

  check: api
    .procedure({
      tags: ['Decisions'],
      summary: 'Check reported uses against rights, without a receipt',
      description:
        'For services, which put the outcome into the receipt of the report. Items of all uses: 10,000 at most.',
      scope: 'service',
      rest: { method: 'POST', path: '/v1/decisions/check' },
      examples: [
        {
          input: {
            uses: [
              {
                actor: 'buyer_1',
                items: [hash],
                licenses: ['lic_01kqxq5t8r0000000000000000'],
                purpose: 'train',
                at: '2026-01-18T14:22:00.000Z',
              },
            ],
          },
        },
      ],
    })
    .input(
      z.strictObject({
        uses: z
          .array(usageQuestion)
          .min(1)
          .max(1000)
          .refine((uses) => uses.reduce((sum, { items }) => sum + items.length, 0) <= 10_000, {
            message: 'must name at most 10,000 items together',
          }),
      }),
    )
    .output(z.strictObject({ object: z.literal('usage_rights'), data: z.array(usageRight) }))
    .query(async ({ ctx, input }) => ({
      object: 'usage_rights' as const,
      data: await decideForUsage(ctx.deps, ctx.caller.tenant, input.uses),
    })),
}

/** Decisions on uses. */
export const decisionRoutes = { decisions: api.router(procedures) }
