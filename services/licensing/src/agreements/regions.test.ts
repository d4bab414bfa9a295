import { expect, test } from 'vitest'
import { countries, countriesOf, isRegion } from './regions.ts'

test('knows the countries that the platform can name, and no others', () => {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  expect(countries.size).toBe(249)
  for (const code of countries) expect(names.of(code), code).toBeDefined()
  for (const code of ['ZZ', 'XX', 'UK', 'EUR', 'AN']) expect(isRegion(code), code).toBe(false)
  for (const code of ['DE', 'US', 'EU', 'EEA']) expect(isRegion(code), code).toBe(true)
})

test('the EEA is the EU and three more, all of them countries', () => {
  const members = [...countriesOf(['EU'], [])]
  expect(members).toHaveLength(27)
  expect(members.every((code) => countries.has(code))).toBe(true)
  expect(countriesOf(['EEA'], []).size).toBe(30)
})

test('an empty list is everywhere; what is excluded is out whatever is allowed', () => {
  expect(countriesOf([], [])).toEqual(countries)
  expect(countriesOf([], ['EU']).has('DE')).toBe(false)
  expect(countriesOf(['EEA'], ['EU'])).toEqual(new Set(['IS', 'LI', 'NO']))
  expect(countriesOf(['DE'], ['EEA']).size).toBe(0)
})
