import { randomPrice } from './random-price.ts'
import type { Api, Marketplace } from './marketplace.ts'
import { beginning } from './marketplace.ts'
import { agreeOnLicense } from './license-steps.ts'
import { action } from './steps.ts'
import type { Action, Step } from './steps.ts'

const currencies = ['USD', 'EUR', 'JPY', 'KWD'] as const
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Tokyo',
  'Pacific/Auckland',
  'America/Sao_Paulo',
]
const cards = [
  ...Array.from({ length: 6 }, () => '4242424242424242'),
  '4000000000000002',
  '4000002500003155',
  '4000000000009995',
  '4000000000009979',
  '4000000000000119',
  '4000000000000127',
  '4000000000000135',
  '4000000000000143',
]
const metrics = ['tokens', 'images']

/** What a marketplace begins with: clocks, customers, meters, prices, plans. */
export function setUp(market: Marketplace): Action[] {
  const { random } = market
  const actions = market.realTime ? [] : [newClock(market)]
  const alone = random.chance(0.4)
  // A second customer may live in another time than the first.
  if (!market.realTime && !alone && random.chance(0.4)) actions.push(newClock(market))
  actions.push(newCustomer(market, 0))
  if (!alone) actions.push(newCustomer(market, 1))
  for (let meters = random.between(1, 2); meters > 0; meters--) actions.push(newMeter(market))
  actions.push(action(market, 'prices', (api) => newPrices(market, api)))
  actions.push(action(market, 'plans', (api) => newPlans(market, api)))
  for (let licenses = random.between(0, 4); licenses > 0; licenses--)
    actions.push(action(market, 'license', () => agreeOnLicense(market)))
  return actions
}

function newClock(market: Marketplace): Action {
  const { random, model } = market
  const now = new Date(beginning + random.between(0, 365 * 86_400) * 1000).toISOString()
  return action(market, 'clock', async (api) => {
    model.clocks = [...new Set([...model.clocks, (await api.testClocks.create({ name: 'time', now })).id])]
  })
}

function newCustomer(market: Marketplace, place: number): Action {
  const { random, model } = market
  const country = random.pick(['DE', 'JP', 'KW', 'US', undefined])
  const input = {
    reference: `dev_${model.requests}`,
    currency: random.pick(currencies),
    time_zone: random.pick(zones),
    ...(country !== undefined && { country }),
    ...(random.chance(0.2) && { tax_id: 'DE123456789', tax_treatment: 'reverse_charge' as const }),
    ...(random.chance(0.9) && { payment_method: random.pick(cards) }),
  }
  const inRealTime = market.realTime || (market.mixed && place > 0)
  return action(market, 'customer', async (api) => {
    const clock = inRealTime ? undefined : (model.clocks[place] ?? model.clocks[0])
    const follows = clock === undefined ? {} : { test_clock: clock }
    const { id, reference, currency } = await api.customers.create({ ...input, ...follows })
    if (model.customers.some((one) => one.id === id)) return
    model.customers.push({ id, reference, currency, ...(clock !== undefined && { clock }) })
  })
}

function newMeter(market: Marketplace): Action {
  const { random, model } = market
  const aggregation = random.pick(['sum', 'sum', 'sum', 'count', 'max', 'last', 'unique'] as const)
  const filtered = random.chance(0.2)
  const byCountry = random.chance(0.5)
  const input = {
    name: `meter ${model.requests}`,
    metric: random.pick(metrics),
    aggregation,
    ...(aggregation === 'unique' && { field: 'model_id' }),
    ...(filtered && { filters: [{ field: 'model_id', values: ['m1'] }] }),
    ...(byCountry && { group_by: ['dimensions.country'] }),
  }
  return action(market, 'meter', async (api) => {
    const { id, metric, field, group_by: groupBy } = await api.meters.create(input)
    if (model.meters.some((one) => one.id === id)) return
    model.meters.push({ id, metric, aggregation, field, groupBy, ...(filtered && { modelId: 'm1' }) })
  })
}

async function newPrices(market: Marketplace, api: Api): Promise<void> {
  const { random, model } = market
  const interval = random.chance(0.1) ? 'year' : 'month'
  for (const currency of new Set(model.customers.map((customer) => customer.currency))) {
    const wanted = [undefined, ...model.meters, random.chance(0.5) ? undefined : model.meters[0]]
    for (const meter of wanted) {
      const byCountry = meter?.groupBy.includes('dimensions.country') ?? false
      const definition = randomPrice(random, { currency, interval, metered: meter !== undefined, byCountry })
      const input = { name: `price ${model.prices.length}`, definition, ...(meter && { meter: meter.id }) }
      const coded = random.chance(0.3) ? { tax_code: 'books' } : {}
      const { id } = await api.prices.create({ ...input, ...coded })
      model.prices.push({ id, currency, definition, interval, ...(meter && { meter: meter.id }) })
    }
  }
}

async function newPlans(market: Marketplace, api: Api): Promise<void> {
  const { random, model } = market
  for (const currency of new Set(model.prices.map((price) => price.currency))) {
    const prices = model.prices.filter((price) => price.currency === currency)
    const { id } = await api.plans.create({
      name: `plan in ${currency}`,
      currency,
      prices: prices.slice(0, random.between(1, prices.length)).map((price) => price.id),
      interval: prices[0]?.interval ?? 'month',
      trial_days: random.chance(0.3) ? random.between(1, 20) : 0,
    })
    model.plans.push({ id, currency })
  }
}

/** A customer's payment method or taxes change. */
export const changeCustomer: Step = async (market) => {
  const { random, model } = market
  const { id } = random.pick(model.customers)
  const input = random.chance(0.7)
    ? { payment_method: random.pick(cards) }
    : { tax_treatment: random.pick(['taxable', 'exempt', 'reverse_charge'] as const) }
  return action(market, 'change customer', (api) => api.customers.update({ customer_id: id, ...input }))
}
