import { purpose } from '@tallystick/protocol'
import type { LicenseTerms } from '@tallystick/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyFor } from './decide.ts'
import type { ConsentFacts, ItemFacts, LicenseFacts, Use } from './policy-facts.ts'
import { anyFacts, anyLicense, anyUse, day } from './policy-samples.ts'

const runs = { numRuns: 2000 }
const onePurpose = fc.constantFrom(...purpose.options)
const moment = fc.integer({ min: 0, max: 100 }).map(day)

const decide = (use: Use, facts: ItemFacts) => policyFor(use).decide(facts)

/** One change of the facts that can only forbid more. */
const anyRestriction: fc.Arbitrary<(facts: ItemFacts) => ItemFacts> = fc.oneof(
  onePurpose.map((use) => (facts: ItemFacts) => ({
    ...facts,
    item: facts.item && { ...facts.item, prohibitedUses: [...facts.item.prohibitedUses, use] },
  })),
  onePurpose.map((use) => (facts: ItemFacts) => ({
    ...facts,
    dataset: facts.dataset && { ...facts.dataset, prohibitedUses: [...facts.dataset.prohibitedUses, use] },
  })),
  fc.constant((facts: ItemFacts) => ({
    ...facts,
    item: facts.item && { ...facts.item, consentRequired: true },
  })),
  // A withdrawal happens once: one that came earlier would lie before more of the consents that take it back.
  moment.map((at) => ofConsents((one) => ({ ...one, withdrawnAt: one.withdrawnAt ?? at }))),
  moment.map((at) => ofConsents((one) => ({ ...one, expiresAt: earlier(one.expiresAt, at) }))),
  onePurpose.map((use) => ofConsents((one) => ({ ...one, purposes: without(one.purposes, use) }))),
  moment.map((at) => ofLicenses((one) => ({ ...one, effectiveUntil: earlier(one.effectiveUntil, at) }))),
  moment.map((at) =>
    ofLicenses((one) => ({ ...one, effectiveFrom: one.effectiveFrom && later(one.effectiveFrom, at) })),
  ),
  moment.map((at) => ofLicenses((one) => ({ ...one, history: [...one.history, { status: 'revoked', at }] }))),
  onePurpose.map((use) => ofTerms((terms) => ({ prohibited_uses: [...terms.prohibited_uses, use] }))),
  onePurpose.map((use) => ofTerms((terms) => ({ allowed_uses: without(terms.allowed_uses, use) }))),
  fc
    .constantFrom('DE', 'FR', 'US', 'EU', 'EEA')
    .map((region) => ofTerms((terms) => ({ excluded_regions: [...terms.excluded_regions, region] }))),
  fc.constantFrom('DE', 'EU', 'EEA').map((region) =>
    ofTerms(({ region_restrictions: reached }) => ({
      // The last one stays: an empty list would mean everywhere.
      region_restrictions: reached.length > 1 && reached[0] !== region ? without(reached, region) : reached,
    })),
  ),
)

function ofConsents(change: (consent: ConsentFacts) => ConsentFacts) {
  return (facts: ItemFacts): ItemFacts => ({ ...facts, consents: facts.consents.map(change) })
}

function ofLicenses(change: (license: LicenseFacts) => LicenseFacts) {
  return (facts: ItemFacts): ItemFacts => ({ ...facts, licenses: facts.licenses.map(change) })
}

function ofTerms(change: (terms: LicenseTerms) => Partial<LicenseTerms>) {
  return ofLicenses((one) => ({ ...one, terms: { ...one.terms, ...change(one.terms) } }))
}

function without<T>(list: readonly T[], value: T): T[] {
  return list.filter((one) => one !== value)
}

function earlier(known: Date | undefined, at: Date): Date {
  return known && known < at ? known : at
}

function later(known: Date, at: Date): Date {
  return known > at ? known : at
}

describe('policyFor, for all facts', () => {
  it('meets both permits and denials among the samples', () => {
    const sample = fc.sample(fc.tuple(anyUse, anyFacts), { numRuns: 2000, seed: 1 })
    const permits = sample.filter(([use, facts]) => decide(use, facts).decision === 'permit').length
    expect(permits).toBeGreaterThan(100)
    expect(permits).toBeLessThan(1900)
  })

  it('never turns a denial into a permit by forbidding more', () => {
    fc.assert(
      fc.property(
        anyUse,
        anyFacts,
        fc.array(anyRestriction, { minLength: 1, maxLength: 3 }),
        (use, facts, more) => {
          const before = decide(use, facts).decision
          const after = decide(
            use,
            more.reduce((changed, restrict) => restrict(changed), facts),
          ).decision
          expect([before, after]).not.toEqual(['deny', 'permit'])
        },
      ),
      runs,
    )
  })

  it('never takes a permit away by adding an agreement', () => {
    fc.assert(
      fc.property(anyUse, anyFacts, anyLicense, (use, facts, added) => {
        fc.pre(facts.licenses.every(({ id }) => id !== added.id))
        const before = decide(use, facts).decision
        const after = decide(use, { ...facts, licenses: [added, ...facts.licenses] }).decision
        expect([before, after]).not.toEqual(['permit', 'deny'])
      }),
      runs,
    )
  })

  it('does not look at the order of consents, agreements and offers', () => {
    fc.assert(
      fc.property(anyUse, anyFacts, fc.nat(), (use, facts, seed) => {
        const turned = {
          ...facts,
          consents: rotated(facts.consents, seed),
          licenses: rotated(facts.licenses, seed).toReversed(),
          offers: rotated(facts.offers, seed),
        }
        expect(decide(use, turned)).toEqual(decide(use, facts))
      }),
      runs,
    )
  })

  it('denies every unknown purpose', () => {
    const unknown = fc.string().filter((text) => !purpose.safeParse(text).success)
    fc.assert(
      fc.property(anyUse, anyFacts, unknown, (use, facts, text) => {
        expect(decide({ ...use, purpose: text }, facts)).toMatchObject({
          decision: 'deny',
          reason: 'purpose_unknown',
        })
      }),
    )
  })

  it('gives the same for the same, also after other items of the same use', () => {
    fc.assert(
      fc.property(anyUse, anyFacts, anyFacts, (use, facts, other) => {
        const policy = policyFor(use)
        policy.decide(other)
        expect(policy.decide(facts)).toEqual(decide(use, structuredClone(facts)))
      }),
    )
  })
})

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}
