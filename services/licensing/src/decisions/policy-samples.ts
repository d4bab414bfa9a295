import { licenseStatus, licenseTerms, purpose } from '@tallystick/protocol'
import type { LicenseStatus, LicenseTerms, Purpose } from '@tallystick/protocol'
import * as fc from 'fast-check'
import type { ConsentFacts, ItemFacts, LicenseFacts, OfferFacts, Use } from './policy-facts.ts'

/** The moment `day` days into the sample time; decisions are asked about day 50. */
export function day(count: number): Date {
  return new Date(Date.UTC(2026, 0, 1) + count * 86_400_000)
}

export const sampleHash = `sha256:${'ab'.repeat(32)}`

/** Training in Germany on day 50. */
export function sampleUse(changes: Partial<Use> = {}): Use {
  return { purpose: 'train', region: 'DE', at: day(50), ...changes }
}

export function sampleTerms(changes: Partial<LicenseTerms> = {}): LicenseTerms {
  return { ...licenseTerms.parse({}), ...changes }
}

/** An agreement in force from day 10 until day 100. */
export function sampleLicense(changes: Partial<LicenseFacts> = {}): LicenseFacts {
  return {
    id: 'lic_1',
    status: 'active',
    terms: sampleTerms(),
    effectiveFrom: day(10),
    effectiveUntil: day(100),
    history: [
      { status: 'offered', at: day(8) },
      { status: 'accepted', at: day(9) },
      { status: 'active', at: day(10) },
    ],
    ...changes,
  }
}

/** A consent to training everywhere, from day 5 on. */
export function sampleConsent(changes: Partial<ConsentFacts> = {}): ConsentFacts {
  return {
    id: 'cons_1',
    subject: 'person_1',
    purposes: ['train'],
    regions: [],
    grantedAt: day(5),
    ...changes,
  }
}

/** An item that its one consent and its one agreement let be used. */
export function sampleFacts(changes: Partial<ItemFacts> = {}): ItemFacts {
  return {
    hash: sampleHash,
    item: { id: 'item_1', prohibitedUses: [] },
    consents: [sampleConsent()],
    licenses: [sampleLicense()],
    offers: [],
    ...changes,
  }
}

const regions = fc.constantFrom('DE', 'FR', 'NO', 'US', 'EU', 'EEA')
const time = fc.integer({ min: 0, max: 100 }).map(day)
const status = fc.constantFrom(...licenseStatus.options)
const idOf = (prefix: string) => fc.nat({ max: 40 }).map((turn) => `${prefix}_${turn}`)

/** Mostly `usual`, so that no single rule decides nearly everything. */
function mostly<T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })
}

const none: Purpose[] = []
const fewPurposes = mostly(none, fc.subarray([...purpose.options]))
const manyPurposes = mostly<Purpose[]>([...purpose.options], fc.subarray([...purpose.options]))
const someRegions = mostly<string[]>([], fc.array(regions, { maxLength: 3 }))
const never = mostly<Date | undefined>(undefined, time)

export const anyUse: fc.Arbitrary<Use> = fc.record({
  purpose: fc.constantFrom(...purpose.options),
  region: fc.option(regions, { nil: undefined }),
  modelId: fc.option(fc.constantFrom('m1', 'm2'), { nil: undefined }),
  at: time,
})

const anyTerms: fc.Arbitrary<LicenseTerms> = fc
  .record({
    region_restrictions: someRegions,
    excluded_regions: someRegions,
    allowed_uses: manyPurposes,
    prohibited_uses: fewPurposes,
    models: mostly<string[]>([], fc.subarray(['m1', 'm2'])),
  })
  .map((terms) => sampleTerms(terms))

export const anyLicense: fc.Arbitrary<LicenseFacts> = fc.record({
  id: idOf('lic'),
  status: mostly<LicenseStatus>('active', status),
  terms: anyTerms,
  supersedes: mostly<string | undefined>(undefined, fc.constant('lic_before')),
  effectiveFrom: mostly<Date | undefined>(day(0), time),
  effectiveUntil: never,
  history: mostly<LicenseFacts['history'][number][]>(
    [],
    fc.array(fc.record({ status, at: time }), { maxLength: 4 }),
  ).map((steps) => steps.toSorted((left, right) => left.at.getTime() - right.at.getTime())),
})

const anyConsent: fc.Arbitrary<ConsentFacts> = fc.record({
  id: idOf('cons'),
  subject: fc.constantFrom('person_1', 'person_2'),
  purposes: manyPurposes,
  regions: someRegions,
  grantedAt: mostly(day(0), time),
  expiresAt: never,
  withdrawnAt: never,
})

const anyOffer: fc.Arbitrary<OfferFacts> = fc.record({
  id: idOf('offer'),
  status: fc.constantFrom('open', 'withdrawn'),
  terms: anyTerms,
  expiresAt: never,
})

const byId = { selector: ({ id }: { id: string }) => id, maxLength: 4 }
const anyItem = fc.record({
  id: fc.constant('item_1'),
  consentRequired: fc.option(fc.boolean(), { nil: undefined }),
  prohibitedUses: fewPurposes,
})
const anyDataset = fc.record({
  id: fc.constant('ds_1'),
  consentRequired: fc.boolean(),
  prohibitedUses: fewPurposes,
})

export const anyFacts: fc.Arbitrary<ItemFacts> = fc.record({
  hash: fc.constant(sampleHash),
  item: fc.option(anyItem, { nil: undefined, freq: 12 }),
  dataset: fc.option(anyDataset, { nil: undefined }),
  consents: fc.uniqueArray(anyConsent, byId),
  licenses: fc.uniqueArray(anyLicense, byId),
  offers: fc.uniqueArray(anyOffer, byId),
})
