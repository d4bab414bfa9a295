import { hash } from 'node:crypto'
import { canonicalize } from '@tallystick/receipt'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { policyFor } from './decide.ts'
import { anyFacts, anyUse } from './policy-samples.ts'
import { traceDigest } from './trace-digest.ts'

it('is the digest of the RFC 8785 form, whatever was decided', () => {
  const decided = fc
    .tuple(anyUse, fc.array(anyFacts, { maxLength: 5 }), fc.string({ unit: 'grapheme' }))
    .map(([use, facts, text]) =>
      facts.map((one) => {
        const decision = policyFor(use).decide(one)
        // Ids and references are the tenant's own text.
        const trace = decision.trace.map((clause) => ({ ...clause, ...(clause.source && { source: text }) }))
        return { ...decision, trace }
      }),
    )
  fc.assert(
    fc.property(decided, (decisions) => {
      expect(traceDigest(decisions)).toBe(`sha256:${hash('sha256', canonicalize(decisions))}`)
    }),
  )
})
