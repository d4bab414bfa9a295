import { decision, decisionInput } from '@tallystick/protocol'
import { api } from '../api.ts'
import { decideUse } from './decide-use.ts'

const hash = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** Decisions on uses. */
export const decisionRoutes = {
  decideUse: api
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
}
