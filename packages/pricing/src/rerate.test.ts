import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryPrice, arbitraryUsage } from './arbitrary-price.ts'
import { price } from './price.ts'
import { rateUsage } from './rate-usage.ts'
import { rerate } from './rerate.ts'

describe('late usage', () => {
  test('is re-rated cumulatively: what was invoiced and what is booked make what all of it costs', () => {
    fc.assert(
      fc.property(arbitraryPrice, arbitraryUsage, arbitraryUsage, (definition, before, after) => {
        const { reversal, line, difference } = rerate(definition, before, after)
        const invoiced = rateUsage(definition, before).total.amount
        const whole = rateUsage(definition, after).total.amount
        expect(reversal.total.amount + line.total.amount).toBe(difference.amount)
        expect(invoiced + difference.amount).toBe(whole)
        expect(reversal.lines.every((reversed) => reversed.reversal === true)).toBe(true)
      }),
    )
  })

  test('that changes nothing books nothing', () => {
    fc.assert(
      fc.property(arbitraryPrice, arbitraryUsage, (definition, usage) => {
        const { reversal, line } = rerate(definition, usage, usage)
        return reversal.lines.length === 0 && line.lines.length === 0
      }),
    )
  })

  test('moves units into the tier where they belong instead of starting again in the first', () => {
    const tiers = [
      { up_to: '5', unit_amount: '7' },
      { up_to: '10', unit_amount: '6.5' },
      { up_to: 'inf', unit_amount: '6' },
    ]
    const definition = price.parse({ model: 'graduated', currency: 'USD', tiers })
    const { reversal, line, difference } = rerate(definition, { quantity: '5' }, { quantity: '6' })
    expect([reversal.total.amount, line.total.amount, difference.amount]).toEqual([-3500n, 4150n, 650n])
  })

  test('leaves the rows of a matrix alone that it does not touch', () => {
    const row = (country: string) => ({
      match: { country },
      charge: { model: 'per_unit' as const, unit_amount: '1' },
    })
    const definition = price.parse({
      model: 'matrix',
      currency: 'EUR',
      dimensions: ['country'],
      rows: [row('DE'), row('FR')],
    })
    const usage = (german: string, french = '7') => ({
      byDimension: [
        { dimensions: { country: 'DE' }, quantity: german },
        { dimensions: { country: 'FR' }, quantity: french },
      ],
    })
    const { reversal, line } = rerate(definition, usage('3'), usage('4'))
    expect(reversal.lines.map(({ dimensions, amount }) => [dimensions, amount.amount])).toEqual([
      [{ country: 'DE' }, -300n],
    ])
    expect(line.lines.map(({ dimensions, amount }) => [dimensions, amount.amount])).toEqual([
      [{ country: 'DE' }, 400n],
    ])
    // Usage that moves from one row to the other changes both.
    const moved = rerate(definition, usage('3', '4'), usage('4', '3'))
    expect([moved.reversal.lines.length, moved.line.lines.length]).toEqual([2, 2])
  })
})
