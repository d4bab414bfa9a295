import type { Marketplace } from './marketplace.ts'
import type { ModelCustomer } from './model.ts'
import { action } from './steps.ts'
import type { Step } from './steps.ts'

const pricedByOneQuantity = new Set(['per_unit', 'package', 'graduated', 'volume'])

/** A threshold of usage or spending, for months of the customer's time zone or periods of a subscription. */
export const setThreshold: Step = async (market) => {
  const { random, model } = market
  const customer = random.pick(model.customers)
  const limit = limitFor(market, customer)
  const owned = model.subscriptions.filter((one) => one.customer === customer.id)
  if (!limit) return undefined
  const input = {
    customer: customer.id,
    kind: random.pick(['alert', 'cap', 'cap'] as const),
    ...limit,
    ...(owned.length > 0 &&
      random.chance(0.4) && { period: 'subscription' as const, subscription: random.pick(owned).id }),
  }
  return action(market, `set ${input.kind}`, async (api) => {
    const { id } = await api.alerts.create(input)
    if (model.alerts.has(id)) return
    // What was sent by now may have been counted before there was a cap.
    model.alerts.set(id, { before: new Set(model.reports.map(({ event_id: event }) => String(event))) })
  })
}

/** What is watched: a meter that adds up, or what prices charge for such meters. */
function limitFor({ random, model }: Marketplace, { currency }: ModelCustomer) {
  const meters = model.meters.filter(({ aggregation }) => aggregation === 'sum' || aggregation === 'count')
  const prices = model.prices.filter(
    (price) =>
      price.currency === currency &&
      pricedByOneQuantity.has(price.definition.model) &&
      meters.some(({ id }) => id === price.meter),
  )
  if (prices.length > 0 && random.chance(0.4)) {
    const amount = { amount: random.between(1, 12_000), currency }
    return {
      prices: prices.filter((_, place) => place === 0 || random.chance(0.5)).map(({ id }) => id),
      amount,
    }
  }
  if (meters.length === 0) return undefined
  return { meter: random.pick(meters).id, quantity: random.pick(['0.5', '5', '20', '70.25', '200']) }
}

/** A threshold holds no longer. */
export const endThreshold: Step = async (market) => {
  const ids = [...market.model.alerts.keys()]
  if (ids.length === 0) return undefined
  const id = market.random.pick(ids)
  return action(market, 'end threshold', (api) => api.alerts.archive({ alert_id: id }))
}
