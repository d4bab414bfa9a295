import {
  license as licenseSchema,
  licensePricing,
  licenseStatus,
  licenseTerms,
  purpose,
} from '@tallystick/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ExportedLicense } from './license-grant.ts'
import type { Probe } from './test/probe.ts'
import { exportedAt, sourcePermits } from './test/probe.ts'
import { cawgReader } from './test/read-cawg.ts'
import { croissantReader, odrlReader } from './test/read-odrl.ts'
import { rslReader } from './test/read-rsl.ts'
import { toCawg } from './to-cawg.ts'
import { toCroissant } from './to-croissant.ts'
import { toOdrl } from './to-odrl.ts'
import { toRsl } from './to-rsl.ts'

const at = exportedAt
const context = { publicUrl: 'https://api.example', at }
const dayMs = 86_400_000

const readers: Record<string, (license: ExportedLicense) => (probe: Probe) => boolean> = {
  rsl: (license) => rslReader(toRsl(license, context).document, at),
  odrl: (license) => odrlReader(toOdrl(license, context).document),
  croissant: (license) => croissantReader(toCroissant(license, context).document),
  cawg: (license) =>
    cawgReader(toCawg(license, context).document, odrlReader(toOdrl(license, context).document)),
}

const makers: Record<string, typeof toRsl> = {
  rsl: toRsl,
  odrl: toOdrl,
  croissant: toCroissant,
  cawg: toCawg,
}

const purposes = purpose.options
const regions = ['DE', 'FR', 'US', 'NO', 'GB', 'EU', 'EEA', 'XK']
const models = ['model-a', 'model-b']
const moments = [-400, -1, -0.5, 0, 0.25, 1, 2, 400].map((days) => new Date(at.getTime() + days * dayMs))
const hostile = fc.oneof(
  fc.constantFrom('<a b="c">&amp;]]></a>', '"}],"permission":[', 'ds_1 & co', '\u202eevil', '💥', "' or 1=1"),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
    .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text)),
)
const pricing = fc.constantFrom(
  ...[
    { model: 'per_item', unit_price: '0.25' },
    { model: 'usage', metric: 'tokens', unit_price: '0.001' },
    { model: 'royalty', rate: '0.07' },
    { model: 'subscription', amount: 12_550, interval: 'month' },
    { model: 'upfront_royalty', amount: 100, rate: '0.1' },
    { model: 'escrow', amount: 5, milestones: [{ name: 'all', share: '1' }] },
  ].map((value) => licensePricing.parse(value)),
)
const terms = fc
  .record({
    exclusive: fc.boolean(),
    region_restrictions: fc.subarray(regions),
    excluded_regions: fc.subarray(regions, { maxLength: 3 }),
    allowed_uses: fc.subarray(purposes),
    prohibited_uses: fc.subarray(purposes, { maxLength: 2 }),
    models: fc.subarray(models),
    sublicense: fc.boolean(),
    seats: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  })
  .map((value) => licenseTerms.parse(value))
const optionalMoment = fc.option(fc.constantFrom(...moments.map((moment) => moment.toISOString())), {
  nil: undefined,
})
const accepted = fc.constantFrom(...[-400, -1, -0.5, 0].map((days) => at.getTime() + days * dayMs))
const licenses: fc.Arbitrary<ExportedLicense> = fc
  .record({
    id: fc.constant('lic_01kqxq5t8r0000000000000000'),
    // Mostly active: a license in any other state permits nothing.
    status: fc.oneof(
      { weight: 4, arbitrary: fc.constant('active' as const) },
      fc.constantFrom(...licenseStatus.options),
    ),
    creator_id: hostile,
    buyer_id: hostile,
    items: fc.array(fc.oneof(hostile, fc.constant(`sha256:${'ab'.repeat(32)}`)), {
      minLength: 1,
      maxLength: 3,
    }),
    pricing,
    royalties: fc.constant<ExportedLicense['royalties']>({ splits: [], platform_fee: '0' }),
    terms,
    currency: fc.constant('USD'),
    legal_text: fc.constant(undefined),
    metadata: fc.dictionary(hostile, hostile, { maxKeys: 2 }),
    supersedes: fc.constantFrom(undefined, 'lic_01kqxq5t8r0000000000000001'),
    effective_from: optionalMoment,
    effective_until: optionalMoment,
    accepted,
  })
  .map(({ accepted: when, ...license }) => {
    const moment = new Date(when).toISOString()
    const step = { status: license.status, at: moment, actor: 'system', reason: '' }
    return { ...license, updated_at: moment, history: [step] }
  })

const probes: Probe[] = []
for (const purposeOf of [...purposes, 'resell']) {
  for (const region of [undefined, 'DE', 'FR', 'US', 'NO', 'GB', 'XK', 'ZZ']) {
    for (const model of [undefined, 'model-a', 'model-c']) {
      for (const moment of moments) {
        probes.push({ purpose: purposeOf, region, model, at: moment, buyer: true })
        probes.push({ purpose: purposeOf, region, model, at: moment, buyer: false })
      }
    }
  }
}

const plain: ExportedLicense = {
  id: 'lic_01kqxq5t8r0000000000000000',
  status: 'active',
  creator_id: 'cr_123',
  buyer_id: 'acct_01kqxq5t8r0000000000000000',
  items: [`sha256:${'ab'.repeat(32)}`],
  pricing: { model: 'per_item', unit_price: '0.25' },
  royalties: { splits: [], platform_fee: '0' },
  terms: licenseTerms.parse({ region_restrictions: ['EU'], excluded_regions: ['FR'] }),
  currency: 'USD',
  metadata: {},
  effective_from: '2026-11-01T00:00:00.000Z',
  effective_until: '2027-11-01T00:00:00.000Z',
  updated_at: '2026-11-01T00:00:00.000Z',
  history: [{ status: 'active', at: '2026-11-01T00:00:00.000Z', actor: 'system', reason: 'accepted' }],
}
const train: Probe = {
  purpose: 'train',
  region: 'DE',
  model: 'm',
  at: new Date(at.getTime() + 1000),
  buyer: true,
}

describe.each(Object.entries(readers))('the %s export', (format, read) => {
  test('grants no more than its source, whatever the license', () => {
    fc.assert(
      fc.property(licenses, (license) => {
        const permits = read(license)
        const wider = probes.find((probe) => permits(probe) && !sourcePermits(license, probe))
        expect(wider).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })

  test('grants what it can say to the buyer, and to nobody else', () => {
    const permits = read(plain)
    expect(permits(train)).toBe(true)
    expect(permits({ ...train, buyer: false })).toBe(false)
    expect(permits({ ...train, region: 'FR' })).toBe(false)
    expect(permits({ ...train, region: 'US' })).toBe(false)
    expect(permits({ ...train, purpose: 'inference' })).toBe(false)
    expect(permits({ ...train, at: new Date('2027-11-01T00:00:00.000Z') })).toBe(false)
  })

  test('denies all while the license is not active', () => {
    for (const status of licenseStatus.options.filter((one) => one !== 'active')) {
      const permits = read({ ...plain, status })
      expect(probes.filter((probe) => permits(probe))).toEqual([])
    }
  })

  test(`reports each loss with a pointer into the license (${format})`, () => {
    fc.assert(
      fc.property(licenses, (license) => {
        const exported = makers[format]?.(license, context)
        for (const { pointer, what, narrowed } of exported?.loss ?? []) {
          const [field = ''] = pointer.slice(1).split('/')
          expect(Object.keys(licenseSchema.shape)).toContain(field)
          expect(what && narrowed).toBeTruthy()
        }
      }),
    )
  })
})

test.each(Object.entries(makers))('every %s export of a version is the same bytes', (_format, make) => {
  fc.assert(
    fc.property(licenses, fc.integer({ min: 0, max: 3_600_000 }), (license, later) => {
      const again = make(license, { ...context, at: new Date(at.getTime() + 1 + later) })
      // Its begin or its end may lie between the two; nothing else may make a difference.
      const turns = [license.effective_from, license.effective_until].some((one) => {
        const away = one === undefined ? Infinity : new Date(one).getTime() - at.getTime()
        return [0, dayMs].some((day) => away - day >= 0 && away - day <= 1 + later)
      })
      if (!turns) expect(again).toEqual(make(license, context))
    }),
  )
})

test('RSL prohibits all when a model is named, and says so', () => {
  const limited = { ...plain, terms: { ...plain.terms, models: ['m'] } }
  expect(rslReader(toRsl(limited, context).document, at)(train)).toBe(false)
  expect(toRsl(limited, context).loss.map(({ pointer }) => pointer)).toContain('/terms/models')
})

test('RSL does not permit training where fine-tuning is not licensed, since its token covers both', () => {
  const one = { ...plain, terms: { ...plain.terms, allowed_uses: ['train' as const] } }
  const { document, loss } = toRsl(one, context)
  expect(document).not.toContain('>ai-train<')
  expect(loss.map(({ what }) => what)).toContain('The use train: no RSL token permits it and nothing more.')
})

test('CAWG never allows: a license has one buyer, an assertion has any reader', () => {
  expect(toCawg(plain, context).document).not.toContain('"allowed"')
})

test('the documents are these', () => {
  expect(toRsl(plain, context).document).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <rsl xmlns="https://rslstandard.org/rsl" max-age="1">
      <content url="ni:///sha-256;q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s" server="https://api.example" lastmod="2026-11-01T00:00:00.000Z">
        <license>
          <permits type="usage">ai-train</permits>
          <permits type="geo">AT BE BG CY CZ DE DK EE ES FI GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK</permits>
          <prohibits type="usage">ai-input ai-index search</prohibits>
          <payment type="purchase">
            <custom>https://api.example/v1/licenses/lic_01kqxq5t8r0000000000000000</custom>
            <amount currency="USD">0.25</amount>
          </payment>
        </license>
        <terms>https://api.example/v1/licenses/lic_01kqxq5t8r0000000000000000</terms>
      </content>
    </rsl>
    "
  `)
  expect(JSON.parse(toOdrl(plain, context).document)).toMatchInlineSnapshot(`
    {
      "@context": [
        "http://www.w3.org/ns/odrl.jsonld",
        {
          "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        },
      ],
      "@type": "Agreement",
      "assignee": "https://api.example/v1/accounts/acct_01kqxq5t8r0000000000000000",
      "assigner": "urn:tallystick:party:cr_123",
      "conflict": "prohibit",
      "permission": [
        {
          "action": "use",
          "constraint": [
            {
              "leftOperand": "purpose",
              "operator": "isAnyOf",
              "rightOperand": [
                {
                  "@id": "urn:tallystick:purpose:train",
                },
                {
                  "@id": "urn:tallystick:purpose:fine_tune",
                },
                {
                  "@id": "urn:tallystick:purpose:evaluate",
                },
              ],
            },
            {
              "leftOperand": "spatial",
              "operator": "isAnyOf",
              "rightOperand": [
                {
                  "@value": "AT",
                },
                {
                  "@value": "BE",
                },
                {
                  "@value": "BG",
                },
                {
                  "@value": "CY",
                },
                {
                  "@value": "CZ",
                },
                {
                  "@value": "DE",
                },
                {
                  "@value": "DK",
                },
                {
                  "@value": "EE",
                },
                {
                  "@value": "ES",
                },
                {
                  "@value": "FI",
                },
                {
                  "@value": "GR",
                },
                {
                  "@value": "HR",
                },
                {
                  "@value": "HU",
                },
                {
                  "@value": "IE",
                },
                {
                  "@value": "IT",
                },
                {
                  "@value": "LT",
                },
                {
                  "@value": "LU",
                },
                {
                  "@value": "LV",
                },
                {
                  "@value": "MT",
                },
                {
                  "@value": "NL",
                },
                {
                  "@value": "PL",
                },
                {
                  "@value": "PT",
                },
                {
                  "@value": "RO",
                },
                {
                  "@value": "SE",
                },
                {
                  "@value": "SI",
                },
                {
                  "@value": "SK",
                },
              ],
            },
            {
              "leftOperand": "dateTime",
              "operator": "gteq",
              "rightOperand": {
                "@type": "xsd:dateTime",
                "@value": "2026-11-01T00:00:00.000Z",
              },
            },
            {
              "leftOperand": "dateTime",
              "operator": "lt",
              "rightOperand": {
                "@type": "xsd:dateTime",
                "@value": "2027-11-01T00:00:00.000Z",
              },
            },
          ],
          "duty": [
            {
              "action": {
                "rdf:value": {
                  "@id": "odrl:compensate",
                },
                "refinement": [
                  {
                    "leftOperand": "payAmount",
                    "operator": "eq",
                    "rightOperand": {
                      "@type": "xsd:decimal",
                      "@value": "0.25",
                    },
                    "unit": "urn:iso:std:iso:4217:USD",
                  },
                ],
              },
            },
          ],
        },
      ],
      "target": [
        "ni:///sha-256;q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s",
      ],
      "uid": "https://api.example/v1/licenses/lic_01kqxq5t8r0000000000000000",
    }
  `)
})
