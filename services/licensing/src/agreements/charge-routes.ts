import { licenseCharge, licenseChargeQuestion } from '@tallystick/protocol'
import { z } from 'zod'
import { api } from '../api.ts'
import { tellCharges } from './tell-charges.ts'

/** What services ask of agreements that they charge. */
export const chargeRoutes = {
  charges: api
    .procedure({
      tags: ['Agreements'],
      summary: 'What agreements say of their payment',
      description:
        'For services that charge them: pricing, currency, and how long each holds. Null for what is missing, a draft, or of another buyer than the `actor` that is named.',
      scope: 'service',
      rest: { method: 'POST', path: '/v1/licenses/charges' },
      examples: [{ input: { licenses: [{ license: 'lic_01kqxq5t8r0000000000000000', actor: 'dev_456' }] } }],
    })
    .input(z.strictObject({ licenses: z.array(licenseChargeQuestion).min(1).max(1000) }))
    .output(z.strictObject({ object: z.literal('license_charges'), data: z.array(licenseCharge.nullable()) }))
    .query(async ({ ctx, input }) => ({
      object: 'license_charges' as const,
      data: await tellCharges(ctx.deps, ctx.caller.tenant, input.licenses),
    })),
}
