import { z } from 'zod'
import type { Probe } from './probe.ts'

const entry = z.discriminatedUnion('use', [
  z.strictObject({ use: z.literal('allowed') }),
  z.strictObject({ use: z.literal('notAllowed') }),
  z.strictObject({ use: z.literal('constrained'), constraint_info: z.string().min(1) }),
])
const assertion = z.strictObject({
  label: z.literal('cawg.training-mining'),
  data: z.strictObject({
    entries: z.strictObject({
      'cawg.data_mining': entry,
      'cawg.ai_inference': entry,
      'cawg.ai_training': entry,
      'cawg.ai_generative_training': entry,
    }),
  }),
})

/**
 * What a consumer of a CAWG 1.1 assertion lets happen. A stranger takes `constrained` for `notAllowed`; the buyer
 * follows `constraint_info` to the policy, which `policy` reads.
 */
export function cawgReader(json: string, policy: (probe: Probe) => boolean): (probe: Probe) => boolean {
  const { entries } = assertion.parse(JSON.parse(json)).data
  const asked: Record<string, (typeof entries)['cawg.data_mining'][]> = {
    train: [entries['cawg.ai_training'], entries['cawg.ai_generative_training']],
    fine_tune: [entries['cawg.ai_training'], entries['cawg.ai_generative_training']],
    inference: [entries['cawg.ai_inference']],
    retrieval: [entries['cawg.ai_inference'], entries['cawg.data_mining']],
    evaluate: [entries['cawg.ai_inference'], entries['cawg.data_mining']],
  }
  return (probe) =>
    (asked[probe.purpose] ?? []).some(
      ({ use }) => use === 'allowed' || (use === 'constrained' && probe.buyer && policy(probe)),
    )
}
