import { accountInput, newTenant, reference } from '@tallystick/protocol'
import { z } from 'zod'
import { api } from './api.ts'
import { foundTenant } from './found-tenant.ts'
import { newSecret } from './with-secret.ts'

/** Marketplaces, for those who run the platform. */
export const tenantsRouter = api.router({
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
})
