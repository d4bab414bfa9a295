import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryPrice } from './arbitrary-price.ts'
import { price } from './price.ts'

/** Pointers of what is refused, relative to the price. */
function refusals(definition: object): string[] {
  const result = price.safeParse({ currency: 'USD', ...definition })
  return result.success ? [] : result.error.issues.map(({ path }) => `/${path.join('/')}`)
}
const graduated = (...bounds: string[]): object => ({
  model: 'graduated',
  tiers: bounds.map((bound) => ({ up_to: bound, unit_amount: '1' })),
})
const row = (match: object): object => ({ match, charge: { model: 'per_unit', unit_amount: '1' } })
const matrix = (...matches: object[]): object => ({
  model: 'matrix',
  dimensions: ['country'],
  rows: matches.map(row),
})

describe('a price definition', () => {
  test('is accepted with its defaults filled in', () => {
    const parsed = price.parse({ model: 'package', currency: 'USD', size: '100', unit_amount: '5' })
    expect(parsed).toEqual({
      model: 'package',
      currency: 'USD',
      size: '100',
      unit_amount: '5',
      round: 'up',
      rounding: { stage: 'line', mode: 'half_away_from_zero' },
    })
    expect(price.parse({ ...parsed, recurring: { interval: 'year' } }).recurring?.interval_count).toBe(1)
    expect(price.parse(parsed)).toEqual(parsed)
  })

  test.each([
    ['tiers that do not ascend', graduated('10', '5', 'inf'), ['/tiers/1/up_to']],
    ['tiers that overlap', graduated('10', '10.0', 'inf'), ['/tiers/1/up_to']],
    ['tiers that end', graduated('10', '20'), ['/tiers/1/up_to']],
    ['an endless tier before the last', graduated('inf', '20', 'inf'), ['/tiers/0/up_to']],
    ['no tiers', graduated(), ['/tiers']],
    ['a tier of no width', graduated('0', 'inf'), ['/tiers/0/up_to']],
    ['a tier without a price', { model: 'volume', tiers: [{ up_to: 'inf' }] }, ['/tiers/0/unit_amount']],
    ['a negative unit price', { model: 'per_unit', unit_amount: '-1' }, ['/unit_amount']],
    ['a unit price as a number', { model: 'per_unit', unit_amount: 0.1 }, ['/unit_amount']],
    ['a negative flat amount', { model: 'flat', amount: -1 }, ['/amount']],
    ['a fraction of a minor unit', { model: 'flat', amount: 0.5 }, ['/amount']],
    ['packages of nothing', { model: 'package', size: '0.0', unit_amount: '1' }, ['/size']],
    ['a rate above one', { model: 'percentage', rate: '1.5' }, ['/rate']],
    [
      'a minimum above the maximum',
      { model: 'percentage', rate: '0.1', minimum_amount: '2', maximum_amount: '1.99' },
      ['/minimum_amount'],
    ],
    ['an unknown model', { model: 'surprise' }, ['/model']],
    ['an unknown field', { model: 'flat', amount: 1, tires: [] }, ['/']],
    ['a withdrawn currency', { model: 'flat', amount: 1, currency: 'DEM' }, ['/currency']],
    ['gold', { model: 'flat', amount: 1, currency: 'XAU' }, ['/currency']],
    [
      'an interval of no length',
      { model: 'flat', amount: 1, recurring: { interval: 'month', interval_count: 0 } },
      ['/recurring/interval_count'],
    ],
    ['a row of an unknown dimension', matrix({ planet: 'Mars' }), ['/rows/0/match/planet']],
    ['a row that matches all', matrix({}), ['/rows/0/match']],
    ['a row that an earlier one hides', matrix({ country: 'DE' }, { country: 'DE' }), ['/rows/1/match']],
    [
      'a flat amount in a row',
      { ...matrix(), rows: [{ match: { country: 'DE' }, charge: { model: 'flat', amount: 1 } }] },
      ['/rows/0/charge/model'],
    ],
  ])('refuses %s and points at it', (_, definition, pointers) => {
    expect(refusals(definition)).toEqual(pointers)
  })

  test.each([
    ['a bound that is no number', graduated('5', 'abc', 'inf'), ['/tiers/1/up_to']],
    [
      'an event minimum that is no number',
      { model: 'percentage', rate: '0.1', minimum_amount: 'abc', maximum_amount: '1' },
      ['/minimum_amount'],
    ],
  ])('refuses %s without comparing it', (_, definition, pointers) => {
    expect(refusals(definition)).toEqual(pointers)
  })

  test('is judged, never thrown at, whichever of its values was replaced', () => {
    const junk = fc.oneof(
      fc.string(),
      fc.constantFrom('inf', '-1', '1e9', '0', 'abc'),
      fc.integer(),
      fc.constant(null),
    )
    fc.assert(
      fc.property(arbitraryPrice, fc.nat(), junk, (definition, position, value) => {
        const leaves = JSON.stringify(definition).match(/(?<=:)("[^"]*"|\d+)/g) ?? []
        let seen = 0
        const text = JSON.stringify(definition).replace(/(?<=:)("[^"]*"|\d+)/g, (leaf) =>
          seen++ === position % leaves.length ? JSON.stringify(value) : leaf,
        )
        expect(typeof price.safeParse(JSON.parse(text)).success).toBe('boolean')
      }),
      { numRuns: 1000 },
    )
  })
})
