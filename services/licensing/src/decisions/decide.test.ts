import { itemDecision } from '@tallystick/protocol'
import { describe, expect, it } from 'vitest'
import { policyFor } from './decide.ts'
import type { ItemFacts, LicenseFacts, Use } from './policy-facts.ts'
import { day, sampleConsent, sampleFacts, sampleLicense, sampleTerms, sampleUse } from './policy-samples.ts'

type Case = [what: string, reason: string, facts: Partial<ItemFacts>, use?: Partial<Use>]

const none: Partial<ItemFacts> = {}
const item = { id: 'item_1', prohibitedUses: [] }
const dataset = { id: 'ds_1', consentRequired: true, prohibitedUses: [] }
const licensed = (changes: Partial<LicenseFacts>) => ({ licenses: [sampleLicense(changes)] })
const termed = (terms: Parameters<typeof sampleTerms>[0]) => licensed({ terms: sampleTerms(terms) })
const consented = (changes: Parameters<typeof sampleConsent>[0]) => ({ consents: [sampleConsent(changes)] })
const ended = (status: LicenseFacts['status'], at: Date) =>
  licensed({ status, history: [...sampleLicense().history, { status, at }] })

const permitted: Case[] = [
  ['consent and agreement cover the use', 'license_active', none],
  ['an agreement without a last day', 'license_active', licensed({ effectiveUntil: undefined })],
  ['the first moment', 'license_active', none, { at: day(10) }],
  ['accepted, and its time has come before the job', 'license_active', licensed({ status: 'accepted' })],
  ['revoked later than the use', 'license_active', ended('revoked', day(60))],
  ['a country of the EU', 'license_active', termed({ region_restrictions: ['EU'] })],
  [
    'all of the EU within the EEA',
    'license_active',
    termed({ region_restrictions: ['EEA'] }),
    { region: 'EU' },
  ],
  ['the model it is for', 'license_active', termed({ models: ['m1'] }), { modelId: 'm1' }],
  ['no region asked, none restricted', 'license_active', none, { region: undefined }],
  ['consent withdrawn later than the use', 'license_active', consented({ withdrawnAt: day(51) })],
  [
    'no consent where none is required',
    'license_active',
    { consents: [], item: { ...item, consentRequired: false } },
  ],
  [
    'no consent where the dataset requires none',
    'license_active',
    { consents: [], dataset: { ...dataset, consentRequired: false } },
  ],
  [
    'one agreement permits, whatever another prohibits',
    'license_active',
    {
      licenses: [
        sampleLicense({ id: 'lic_0', terms: sampleTerms({ prohibited_uses: ['train'] }) }),
        sampleLicense(),
      ],
    },
  ],
  [
    'a withdrawal that its subject took back by a later consent',
    'license_active',
    {
      consents: [
        sampleConsent({ withdrawnAt: day(20) }),
        sampleConsent({ id: 'cons_2', grantedAt: day(20) }),
      ],
    },
  ],
  [
    'backdated by its parties',
    'license_active',
    licensed({ effectiveFrom: day(1), history: [{ status: 'active', at: day(60) }] }),
  ],
]

const denied: Case[] = [
  [
    'now, where another clock wrote a withdrawal',
    'consent_withdrawn',
    consented({ withdrawnAt: day(51) }),
    { now: true },
  ],
  [
    'now, where another clock wrote a revocation',
    'license_revoked',
    ended('revoked', day(60)),
    { now: true },
  ],
  [
    'now, where another clock wrote an end',
    'license_terminated',
    ended('terminated', day(60)),
    { now: true },
  ],
  ...['UK', 'USA', 'XX', 'EUR'].map((region): Case => [
    `${region}, which is no region, where some are excluded`,
    'region_unknown',
    termed({ excluded_regions: ['GB', 'US'] }),
    { region },
  ]),
  [
    'no known region, where the consent is limited',
    'consent_region_unknown',
    consented({ regions: ['UK'] }),
    { region: 'UK' },
  ],
  ['a purpose that nobody knows', 'purpose_unknown', none, { purpose: 'resell' }],
  ['an item that nobody registered', 'item_unknown', { item: undefined }],
  ['a prohibition of the item', 'item_prohibits_use', { item: { ...item, prohibitedUses: ['train'] } }],
  [
    'a prohibition of the dataset',
    'dataset_prohibits_use',
    { dataset: { ...dataset, prohibitedUses: ['train'] } },
  ],
  ['no consent', 'consent_missing', { consents: [] }],
  [
    'no consent where the item asks for it and the dataset does not',
    'consent_missing',
    {
      consents: [],
      item: { ...item, consentRequired: true },
      dataset: { ...dataset, consentRequired: false },
    },
  ],
  ['a consent withdrawn at that moment', 'consent_withdrawn', consented({ withdrawnAt: day(50) })],
  [
    'a withdrawn consent beside an active one',
    'consent_withdrawn',
    { consents: [sampleConsent(), sampleConsent({ id: 'cons_2', withdrawnAt: day(20) })] },
  ],
  [
    'a withdrawal after which another subject consented',
    'consent_withdrawn',
    {
      consents: [
        sampleConsent({ withdrawnAt: day(20) }),
        sampleConsent({ id: 'cons_2', subject: 'person_2', grantedAt: day(30) }),
      ],
    },
  ],
  [
    'a withdrawal after which its subject consented to something else',
    'consent_withdrawn',
    {
      consents: [
        sampleConsent({ withdrawnAt: day(20) }),
        sampleConsent({ id: 'cons_2', grantedAt: day(30), purposes: ['inference'] }),
      ],
    },
  ],
  [
    'a withdrawal after which its subject will consent',
    'consent_withdrawn',
    {
      consents: [
        sampleConsent({ withdrawnAt: day(20) }),
        sampleConsent({ id: 'cons_2', grantedAt: day(51) }),
      ],
    },
  ],
  [
    'a withdrawn consent where none is required',
    'consent_withdrawn',
    { item: { ...item, consentRequired: false }, ...consented({ withdrawnAt: day(20) }) },
  ],
  ['a consent that begins later', 'consent_not_yet_given', consented({ grantedAt: day(51) })],
  ['a consent at its end', 'consent_expired', consented({ expiresAt: day(50) })],
  ['a consent to something else', 'consent_purpose_not_covered', consented({ purposes: ['inference'] })],
  ['a consent for elsewhere', 'consent_region_not_covered', consented({ regions: ['US'] })],
  [
    'a consent with regions, no region asked',
    'consent_region_unknown',
    consented({ regions: ['EU'] }),
    { region: undefined },
  ],
  ['no agreement', 'license_missing', { licenses: [] }],
  ['an agreement that is only offered', 'license_not_accepted', licensed({ status: 'offered', history: [] })],
  ['before the first moment', 'license_not_yet_effective', none, { at: day(9) }],
  ['the end, which is not included', 'license_expired', none, { at: day(100) }],
  ['revoked at that moment', 'license_revoked', ended('revoked', day(50))],
  ['terminated', 'license_terminated', ended('terminated', day(20))],
  ['superseded', 'license_superseded', ended('superseded', day(20))],
  ['an ending without its step', 'license_revoked', licensed({ status: 'revoked' })],
  [
    'an amendment before it was accepted',
    'license_not_yet_effective',
    licensed({ supersedes: 'lic_0', history: [{ status: 'active', at: day(51) }] }),
  ],
  ['a use that the agreement prohibits', 'license_prohibits_use', termed({ prohibited_uses: ['train'] })],
  ['a use that the agreement does not allow', 'use_not_allowed', termed({ allowed_uses: ['retrieval'] })],
  ['a region that the agreement excludes', 'region_excluded', termed({ excluded_regions: ['EU'] })],
  [
    'a part of the region is excluded',
    'region_excluded',
    termed({ excluded_regions: ['FR'] }),
    { region: 'EU' },
  ],
  ['a region out of reach', 'region_not_allowed', termed({ region_restrictions: ['US'] })],
  [
    'a part of the region out of reach',
    'region_not_allowed',
    termed({ region_restrictions: ['EU'] }),
    { region: 'EEA' },
  ],
  ['regions, none asked', 'region_unknown', termed({ excluded_regions: ['US'] }), { region: undefined }],
  ['models, none asked', 'model_unknown', termed({ models: ['m1'] })],
  ['another model', 'model_not_allowed', termed({ models: ['m1'] }), { modelId: 'm2' }],
]

describe('policyFor', () => {
  it.each(permitted)('permits: %s', (_, reason, facts, use) => {
    const decided = policyFor(sampleUse(use)).decide(sampleFacts(facts))
    expect(decided).toMatchObject({ decision: 'permit', license: 'lic_1', reason })
    expect(itemDecision.parse(decided)).toEqual(decided)
  })

  it.each(denied)('denies: %s', (_, reason, facts, use) => {
    const decided = policyFor(sampleUse(use)).decide(sampleFacts(facts))
    expect(decided).toMatchObject({ decision: 'deny', reason })
    expect(decided.license).toBeUndefined()
    expect(itemDecision.parse(decided)).toEqual(decided)
  })

  it('names the agreement, its legal text and the consent that it rests on', () => {
    const legalText = {
      template: 'tmpl_1',
      version: 2,
      variables: {},
      text_hash: `sha256:${'cd'.repeat(32)}`,
    }
    const terms = sampleTerms({ region_restrictions: ['EU'], models: ['m1'] })
    const facts = sampleFacts(licensed({ legalText, terms }))
    const { trace } = policyFor(sampleUse({ modelId: 'm1' })).decide(facts)
    expect(trace.map(({ code, source, text_hash }) => [code, source, text_hash])).toEqual([
      ['not_prohibited', undefined, undefined],
      ['consent_active', 'cons_1', undefined],
      ['license_active', 'lic_1', legalText.text_hash],
      ['use_allowed', 'lic_1', undefined],
      ['region_allowed', 'lic_1', undefined],
      ['model_allowed', 'lic_1', undefined],
    ])
  })

  it('names every prohibition, and everything that stands against each agreement', () => {
    const prohibiting = { prohibitedUses: ['train' as const] }
    const facts = sampleFacts({
      item: { ...item, ...prohibiting },
      dataset: { ...dataset, ...prohibiting },
    })
    const sources = policyFor(sampleUse())
      .decide(facts)
      .trace.map(({ source }) => source)
    expect(sources).toEqual(['item_1', 'ds_1'])

    const terms = sampleTerms({ allowed_uses: [], region_restrictions: ['US'] })
    const expired = sampleLicense({ id: 'lic_0', effectiveUntil: day(20) })
    const decided = policyFor(sampleUse()).decide(
      sampleFacts({ licenses: [expired, sampleLicense({ terms })] }),
    )
    expect(decided.reason).toBe('use_not_allowed')
    expect(
      decided.trace.filter(({ result }) => result === 'deny').map(({ code, source }) => [code, source]),
    ).toEqual([
      ['license_expired', 'lic_0'],
      ['use_not_allowed', 'lic_1'],
      ['region_not_allowed', 'lic_1'],
    ])
  })

  it('names ten of many agreements and consents, those in force first, and the latest of the others', () => {
    const ids = Array.from({ length: 30 }, (_, place) => `lic_${10 + place}`)
    const inForce = new Set(['lic_12', 'lic_25'])
    const terms = sampleTerms({ allowed_uses: [] })
    const licenses = ids.map((id) =>
      sampleLicense(inForce.has(id) ? { id, terms } : { id, effectiveUntil: day(20) }),
    )
    const { reason, trace } = policyFor(sampleUse()).decide(sampleFacts({ licenses }))
    const named = [
      ...new Set(trace.flatMap(({ clause, source }) => (clause === 'consent' ? [] : (source ?? [])))),
    ]
    expect(reason).toBe('use_not_allowed')
    expect(named).toEqual(['lic_12', 'lic_25', ...ids.slice(-8)].toSorted())
    const consents = ids.map((id) => sampleConsent({ id: id.replace('lic', 'cons'), withdrawnAt: day(20) }))
    const withdrawn = policyFor(sampleUse()).decide(sampleFacts({ consents }))
    expect(withdrawn.trace.filter(({ clause }) => clause === 'consent')).toHaveLength(10)
  })

  it('names the open offers that would permit, and none where consent is missing too', () => {
    const offer = { id: 'offer_2', status: 'open' as const, terms: sampleTerms() }
    const offers = [
      offer,
      { ...offer, id: 'offer_1' },
      { ...offer, id: 'offer_3', status: 'withdrawn' as const },
      { ...offer, id: 'offer_4', expiresAt: day(50) },
      { ...offer, id: 'offer_5', terms: sampleTerms({ excluded_regions: ['DE'] }) },
    ]
    const policy = policyFor(sampleUse())
    expect(policy.decide(sampleFacts({ licenses: [], offers })).offers).toEqual(['offer_1', 'offer_2'])
    expect(policy.decide(sampleFacts({ offers })).offers).toBeUndefined()
    expect(policy.decide(sampleFacts({ licenses: [], offers, consents: [] })).offers).toBeUndefined()
  })
})
