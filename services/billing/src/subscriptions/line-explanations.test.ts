import { explanation, price as priceSchema, replayExplanation } from '@tallystick/pricing'
import type { Usage } from '@tallystick/pricing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chargeAhead, chargeRest, giveBack } from './charge-ahead.ts'
import { chargeLateUsage, chargeUsage } from './charge-usage.ts'
import type { Item, Subscription } from './find-subscription.ts'
import type { OpenLine } from './rated-lines.ts'
import type { PricesById } from './read-prices.ts'

const whole = { start: new Date('2026-03-01T00:00:00Z'), end: new Date('2026-04-01T00:00:00Z') }
const lengthMs = whole.end.getTime() - whole.start.getTime()

const commitment = fc.option(
  fc.record({ amount: fc.nat(90_000), overage_factor: fc.constantFrom('0.5', '1', '1.25') }),
  { nil: undefined },
)
const rounding = fc.record({ mode: fc.constantFrom('half_away_from_zero', 'half_even', 'up', 'floor') })
const unit_amount = fc.constantFrom('0', '0.0333', '1.999', '12')
const currency = fc.constantFrom('USD', 'JPY', 'KWD')
const common = { currency, rounding, commitment }
const ahead = fc.oneof(
  fc.record({ ...common, model: fc.constant('flat'), amount: fc.nat(90_000) }),
  fc.record({ ...common, model: fc.constant('seat'), unit_amount, included: fc.constantFrom('0', '2') }),
)
const metered = fc.record({
  ...common,
  model: fc.constant('graduated'),
  tiers: fc.constant([
    { up_to: '10', unit_amount: '0.333', flat_amount: 7 },
    { up_to: 'inf', unit_amount: '0.05' },
  ]),
})
const offsets = fc
  .array(fc.integer({ min: 0, max: lengthMs - 1 }), { minLength: 4, maxLength: 4 })
  .map((list) => list.toSorted((a, b) => a - b).map((offset) => new Date(whole.start.getTime() + offset)))
const seats = fc.integer({ min: 1, max: 12 })
const quantities = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 2, maxLength: 2 })

function known(definition: unknown, meter?: string): PricesById {
  const read = priceSchema.parse(definition)
  const about = { tenant: 'acct_a', currency: read.currency, active: true, ...(meter && { meter }) }
  return new Map([['price_a', { ...about, id: 'price_a', name: 'A', definition: read }]])
}

/** What a reader who knows nothing but the explanations computes for each line. */
const recomputed = (lines: readonly OpenLine[]) =>
  lines.map((line) => replayExplanation(explanation.parse(JSON.parse(line.explanation ?? '{}'))))
const amounts = (lines: readonly OpenLine[]) => lines.map(({ amount }) => amount)

test('the amount of each line that is charged ahead or prorated follows from its explanation alone', () => {
  fc.assert(
    fc.property(ahead, seats, offsets, (definition, quantity, [start, at, later]) => {
      const prices = known(definition)
      const charged = { period: { start: start!, end: whole.end }, whole }
      const first: Item = { id: '1', price: 'price_a', quantity: definition.model === 'seat' ? quantity : 1 }
      const { items, lines } = chargeAhead([first], charged, prices)
      const back = items.flatMap((item) => giveBack(item, { at: at!, charged }, prices))
      const rest = chargeRest(first, { at: at!, charged }, prices)
      const all = [...lines, ...back, ...rest.lines, ...giveBack(rest.item, { at: later!, charged }, prices)]
      expect(recomputed(all)).toEqual(amounts(all))
      for (const { kind, period, explanation: text } of all) {
        const { proration } = explanation.parse(JSON.parse(text ?? '{}'))
        const part = proration?.part
        // The slice that the line names is the one it is explained by.
        if (kind === 'proration' && part)
          expect([part.start, part.end]).toEqual([period.start.toISOString(), period.end.toISOString()])
      }
    }),
  )
})

test('so does that of usage, minimums of a part of a period, and what late usage takes back and charges anew', () => {
  fc.assert(
    fc.property(metered, quantities, offsets, (definition, [early, late], [start]) => {
      const prices = known(definition, 'mtr_a')
      const usage = (quantity: number | undefined): Usage => ({ quantity: String(quantity ?? 0) })
      const subscription = {
        id: 'sub_a',
        tenant: 'acct_a',
        customer: 'cus_a',
        period: { start: start!, end: whole.end },
        whole,
      } as Subscription
      const item: Item = { id: '1', price: 'price_a', quantity: 1 }
      const { lines, billed } = chargeUsage(subscription, item, { usage: usage(early), prices })
      const corrected = chargeLateUsage(billed, { usage: usage(late), prices })
      const all = [...lines, ...(corrected?.lines ?? [])]
      expect(recomputed(all)).toEqual(amounts(all))
    }),
  )
})
