import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chargeAhead, chargeRest, giveBack } from './charge-ahead.ts'
import type { Item } from './find-subscription.ts'
import type { PricesById } from './read-prices.ts'

const period = { start: new Date('2026-03-01T00:00:00Z'), end: new Date('2026-04-01T00:00:00Z') }
const lengthMs = period.end.getTime() - period.start.getTime()
const rounding = { stage: 'line', mode: 'half_away_from_zero' } as const

function pricesOf(amounts: readonly number[]): PricesById {
  const about = { tenant: 'acct_a', currency: 'USD', active: true }
  return new Map(
    amounts.map((amount, place) => {
      const id = `price_${place}`
      const definition = { model: 'flat', currency: 'USD', amount, rounding } as const
      return [id, { ...about, id, name: id, definition }]
    }),
  )
}

const sumOf = (lines: readonly { amount: bigint }[]) => lines.reduce((sum, { amount }) => sum + amount, 0n)
const amounts = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 2, maxLength: 8 })
const moments = fc.array(fc.integer({ min: 0, max: lengthMs - 1 }), { minLength: 8, maxLength: 8 })

test('however often the price changes in a period, what is paid is exactly what each was used for', () => {
  fc.assert(
    fc.property(amounts, moments, (costs, offsets) => {
      const prices = pricesOf(costs)
      const first = chargeAhead([{ id: '1', price: 'price_0', quantity: 1 }], { period }, prices)
      let [item] = first.items
      let paid = sumOf(first.lines)
      let used = 0n
      const at = offsets.toSorted((a, b) => a - b).map((offset) => new Date(period.start.getTime() + offset))
      for (const [turn, moment] of at.slice(0, costs.length - 1).entries()) {
        if (!item?.advance) throw new Error('nothing was charged')
        const back = sumOf(giveBack(item, { at: moment, charged: { period } }, prices))
        expect(back <= 0n && -back <= item.advance.amount).toBe(true)
        used += item.advance.amount + back
        const next: Item = { id: '1', price: `price_${turn + 1}`, quantity: 1 }
        const rest = chargeRest(next, { at: moment, charged: { period } }, prices)
        paid += back + sumOf(rest.lines)
        item = rest.item
      }
      expect(paid).toBe(used + (item?.advance?.amount ?? 0n))
    }),
  )
})

test('changing there and back at one moment moves nothing, also of an item that began within the period', () => {
  fc.assert(
    fc.property(amounts, moments, (costs, offsets) => {
      const prices = pricesOf(costs)
      const [begun, at] = offsets
        .slice(0, 2)
        .toSorted((a, b) => a - b)
        .map((ms) => new Date(+period.start + ms))
      const rest = (price: string, from = at!) =>
        chargeRest({ id: '1', price, quantity: 1 }, { at: from, charged: { period } }, prices)
      const back = (item: Item) => giveBack(item, { at: at!, charged: { period } }, prices)
      const { items } = chargeAhead([{ id: '1', price: 'price_0', quantity: 1 }], { period }, prices)
      for (const item of [items[0]!, rest('price_0', begun).item]) {
        const other = rest('price_1')
        const lines = [...back(item), ...other.lines, ...back(other.item), ...rest('price_0').lines]
        expect(sumOf(lines)).toBe(0n)
      }
    }),
  )
})
