import { licenseTerms } from '@tallystick/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { overlaps } from './overlap.ts'

const at = (day: number) => new Date(Date.UTC(2026, 0, day))
const extent = ({ from = 1, until = 31 as number | undefined, ...terms }) => ({
  from: at(from),
  until: until === undefined ? undefined : at(until),
  terms: licenseTerms.parse({ allowed_uses: ['train'], ...terms }),
})

test.each([
  ['the same', {}, {}, true],
  ['one after the other', { until: 10 }, { from: 10 }, false],
  ['a day together', { until: 11 }, { from: 10 }, true],
  ['one for ever, another later', { until: undefined }, { from: 20 }, true],
  ['one for ever, another before it', { from: 20, until: undefined }, { until: 20 }, false],
  ['different uses', {}, { allowed_uses: ['retrieval'] }, false],
  [
    'one use of several',
    { allowed_uses: ['train', 'evaluate'] },
    { allowed_uses: ['evaluate', 'inference'] },
    true,
  ],
  ['a use that one prohibits', {}, { prohibited_uses: ['train'] }, false],
  ['different countries', { region_restrictions: ['DE'] }, { region_restrictions: ['FR'] }, false],
  ['a country and everywhere', { region_restrictions: ['DE'] }, {}, true],
  ['a country and its union', { region_restrictions: ['DE'] }, { region_restrictions: ['EU'] }, true],
  [
    'the EEA without the EU, and the EU',
    { region_restrictions: ['EEA'], excluded_regions: ['EU'] },
    { region_restrictions: ['EU'] },
    false,
  ],
  [
    'everywhere but a country, and that country',
    { excluded_regions: ['DE'] },
    { region_restrictions: ['DE'] },
    false,
  ],
  ['different models of one use', { models: ['a'] }, { models: ['b'] }, true],
])('%s: %s', (_, a, b, wanted) => {
  expect(overlaps(extent(a), extent(b))).toBe(wanted)
  expect(overlaps(extent(b), extent(a))).toBe(wanted)
})

test('two licenses overlap exactly when some use, country and day is in both', () => {
  const uses = fc.subarray(['train', 'retrieval', 'evaluate'])
  const regions = fc.subarray(['DE', 'FR', 'NO', 'EU', 'EEA', 'US'])
  const license = fc.record({
    from: fc.integer({ min: 1, max: 5 }),
    until: fc.option(fc.integer({ min: 6, max: 9 }), { nil: undefined }),
    allowed_uses: uses,
    prohibited_uses: uses,
    region_restrictions: regions,
    excluded_regions: regions,
  })
  const union = (code: string) =>
    ({ EU: ['DE', 'FR', 'AT'], EEA: ['DE', 'FR', 'AT', 'NO', 'IS'] })[code] ?? [code]
  const holds = (
    one: ReturnType<typeof extent>,
    use: 'train' | 'retrieval' | 'evaluate',
    country: string,
    day: Date,
  ) =>
    one.terms.allowed_uses.includes(use) &&
    !one.terms.prohibited_uses.includes(use) &&
    (one.terms.region_restrictions.length === 0 ||
      one.terms.region_restrictions.flatMap(union).includes(country)) &&
    !one.terms.excluded_regions.flatMap(union).includes(country) &&
    one.from <= day &&
    (one.until === undefined || day < one.until)
  fc.assert(
    fc.property(license, license, (a, b) => {
      const [one, other] = [extent(a), extent(b)]
      // AT, IS and JP are on no list by themselves: they stand in for all such countries.
      const places = ['DE', 'FR', 'AT', 'NO', 'IS', 'US', 'JP']
      const meet = (['train', 'retrieval', 'evaluate'] as const).some((use) =>
        places.some((country) =>
          [1, 2, 3, 4, 5, 6, 7, 8, 9].some(
            (day) => holds(one, use, country, at(day)) && holds(other, use, country, at(day)),
          ),
        ),
      )
      expect(overlaps(one, other)).toBe(meet)
    }),
  )
})
