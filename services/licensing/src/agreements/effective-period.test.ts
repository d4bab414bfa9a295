import { expect, test } from 'vitest'
import { addDays, checkPeriod, effectivePeriod } from './effective-period.ts'

const at = (text: string) => new Date(text)

test.each([
  ['2026-01-31T10:00:00.000Z', 28, '2026-02-28T10:00:00.000Z'],
  ['2026-01-31T10:00:00.000Z', 30, '2026-03-02T10:00:00.000Z'],
  ['2028-01-31T10:00:00.000Z', 30, '2028-03-01T10:00:00.000Z'],
  ['2027-03-01T00:00:00.000Z', 365, '2028-02-29T00:00:00.000Z'],
  ['2026-03-01T00:00:00.000Z', 365, '2027-03-01T00:00:00.000Z'],
  ['2028-02-29T23:59:59.999Z', 366, '2029-03-01T23:59:59.999Z'],
  // Night of the European change to summer time: a day stays 24 hours.
  ['2026-03-28T22:30:00.000Z', 1, '2026-03-29T22:30:00.000Z'],
])('%s and %i days are %s', (from, days, until) => {
  expect(addDays(at(from), days)).toEqual(at(until))
})

test('a period begins with acceptance unless its terms say when', () => {
  const accepted = at('2026-05-01T00:00:00.000Z')
  expect(effectivePeriod({}, accepted)).toEqual({ from: accepted })
  expect(effectivePeriod({ durationDays: 1 }, accepted)).toEqual({
    from: accepted,
    until: at('2026-05-02T00:00:00.000Z'),
  })
  const from = at('2026-06-01T00:00:00.000Z')
  const until = at('2026-06-02T00:00:00.000Z')
  expect(effectivePeriod({ from, durationDays: 1 }, accepted)).toEqual({ from, until })
  expect(effectivePeriod({ from, until }, accepted)).toEqual({ from, until })
})

const now = at('2026-05-01T00:00:00.000Z')
test.each([
  ['nothing', {}, undefined],
  ['a duration', { durationDays: 1 }, undefined],
  ['until in the past', { until: at('2026-04-30T00:00:00.000Z') }, 'effective_until'],
  ['until now', { until: now }, 'effective_until'],
  ['until before from', { from: at('2027-01-02'), until: at('2027-01-01') }, 'effective_until'],
  ['until and from alike', { from: at('2027-01-01'), until: at('2027-01-01') }, 'effective_until'],
  ['until and a duration', { until: at('2027-01-01'), durationDays: 1 }, 'effective_until'],
  ['all three, different', { from: now, until: at('2027-01-01'), durationDays: 1 }, 'effective_until'],
  ['all three, alike', { from: now, until: at('2026-05-02'), durationDays: 1 }, undefined],
  ['a duration that is over', { from: at('2026-01-01'), durationDays: 30 }, 'effective_from'],
])('%s: refused at %s', (_, terms, field) => {
  expect(checkPeriod(terms, now)?.field).toBe(field)
})
