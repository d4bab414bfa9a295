import { z } from 'zod'
import type { Probe } from './probe.ts'

const value = z.union([
  z.strictObject({ '@id': z.string() }),
  z.strictObject({ '@value': z.string(), '@type': z.string().optional() }),
])
const constraint = z.strictObject({
  leftOperand: z.string(),
  operator: z.enum(['eq', 'gteq', 'lt', 'lteq', 'isAnyOf', 'isNoneOf']),
  rightOperand: z.union([value, z.array(value).min(1)]),
  unit: z.string().optional(),
})
const action = z.union([
  z.string(),
  z.strictObject({ 'rdf:value': z.strictObject({ '@id': z.string() }), refinement: z.array(constraint) }),
])
const rule = z.strictObject({
  action,
  constraint: z.array(constraint).optional(),
  duty: z.array(z.strictObject({ action })).optional(),
})
const agreement = z.strictObject({
  '@context': z.array(z.unknown()),
  '@type': z.enum(['Agreement', 'Offer']),
  uid: z.url(),
  profile: z.string().optional(),
  conflict: z.literal('prohibit'),
  assigner: z.string(),
  assignee: z.string(),
  target: z.array(z.string()).min(1),
  permission: z.array(rule).optional(),
  prohibition: z.array(rule).optional(),
})
type Policy = z.infer<typeof agreement>
type Constraint = z.infer<typeof constraint>

/** What a strict ODRL 2.2 processor lets happen: permitted by a rule, prohibited by none, `prohibit` winning. */
export function odrlReader(json: string): (probe: Probe) => boolean {
  return policyPermits(agreement.parse(JSON.parse(json)))
}

/** The same for the `odrl:Offer` in a Croissant 1.1 fragment, once it was agreed to. */
export function croissantReader(json: string): (probe: Probe) => boolean {
  const {
    '@type': type,
    conformsTo,
    usageInfo,
  } = z
    .looseObject({
      '@type': z.string(),
      conformsTo: z.string(),
      usageInfo: z.record(z.string(), z.unknown()),
    })
    .parse(JSON.parse(json))
  if (type !== 'sc:Dataset' || conformsTo !== 'http://mlcommons.org/croissant/1.1') throw new Error(type)
  const { '@type': _, '@id': uid, name: __, ...rest } = usageInfo
  const plain = compact(rest)
  return policyPermits(agreement.parse({ '@context': [], '@type': 'Offer', uid, ...plain }))
}

/** Takes the `odrl:` prefix off keys and names, and the wrapping off references to ODRL's own vocabulary. */
function compact(node: unknown): Record<string, unknown> {
  const walk = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(walk)
    if (typeof inner !== 'object' || inner === null) return inner
    const entries = Object.entries(inner).filter(
      ([key, held]) => key !== '@type' || !String(held).startsWith('odrl:'),
    )
    return Object.fromEntries(
      entries.map(([key, held]) => {
        const name = key.replace(/^odrl:/, '')
        return [name, named.has(name) ? reference(held) : walk(held)]
      }),
    )
  }
  return walk(node) as Record<string, unknown>
}

const named = new Set([
  'leftOperand',
  'operator',
  'conflict',
  'unit',
  'profile',
  'assigner',
  'assignee',
  'target',
  'action',
])

function reference(held: unknown): unknown {
  if (Array.isArray(held)) return held.map(reference)
  const parsed = z.strictObject({ '@id': z.string() }).safeParse(held)
  return parsed.success ? parsed.data['@id'].replace(/^odrl:/, '') : compact(held)
}

function policyPermits(policy: Policy): (probe: Probe) => boolean {
  const ours = policy.profile === undefined || policy.profile === 'urn:tallystick:odrl'
  return (probe) => {
    if (!probe.buyer || !ours) return false
    const holds = (one: z.infer<typeof rule>) =>
      one.action === 'use' && (one.constraint ?? []).every((term) => satisfied(term, probe))
    return (policy.permission ?? []).some(holds) && !(policy.prohibition ?? []).some(holds)
  }
}

function satisfied({ leftOperand, operator, rightOperand }: Constraint, probe: Probe): boolean {
  const values = [rightOperand].flat().map((one) => ('@id' in one ? one['@id'] : one['@value']))
  const left = {
    purpose: `urn:tallystick:purpose:${probe.purpose}`,
    spatial: probe.region,
    'urn:tallystick:odrl:model': probe.model,
  } as Record<string, string | undefined>
  if (leftOperand === 'dateTime') {
    const moment = new Date(values[0] ?? '').getTime()
    if (operator === 'gteq') return probe.at.getTime() >= moment
    return operator === 'lt' && probe.at.getTime() < moment
  }
  if (leftOperand === 'urn:tallystick:odrl:seats') return operator === 'lteq'
  const actual = left[leftOperand]
  if (actual === undefined) return false
  if (operator === 'isAnyOf') return values.includes(actual)
  return operator === 'isNoneOf' && !values.includes(actual)
}
