import type { LicensePricing } from '@tallystick/protocol'
import type { Marketplace } from './marketplace.ts'
import type { ModelLicense } from './model.ts'
import { action, timeOfCustomer } from './steps.ts'
import type { Step } from './steps.ts'

const dayMs = 86_400_000

/** Any pricing; amounts are large enough that no stretch of time costs nothing. */
function randomPricing({ random, model }: Marketplace): LicensePricing {
  const unit_price = random.pick(['0.01', '1.5', '0.3333', '0'])
  const interval = random.chance(0.9)
    ? (model.prices[0]?.interval ?? 'month')
    : random.pick(['month', 'year'] as const)
  if (random.chance(0.05)) return { model: 'royalty', rate: '0.05' }
  return random.pick<LicensePricing>([
    { model: 'usage', metric: random.pick(['tokens', 'images']), unit_price },
    { model: 'usage', metric: 'tokens', unit_price: '2' },
    { model: 'subscription', amount: 1_000_000_007, interval },
    { model: 'subscription', amount: 300_000_001, interval, seats: random.between(1, 9) },
    { model: 'per_item', unit_price: '0.0155' },
    { model: 'upfront_royalty', amount: 7777, rate: '0.05' },
  ])
}

async function newOne(market: Marketplace, customer: string, amends: boolean): Promise<string> {
  const { random, model, tenant } = market
  const license = `lic_${`${tenant.replaceAll(/\D/g, '')}x${model.licenses.size}`.padStart(26, '0')}`
  const now = await timeOfCustomer(market, customer)
  const { currency = 'USD' } = model.customers.find(({ id }) => id === customer) ?? {}
  const ends = random.chance(0.2) && {
    effectiveUntil: new Date(now.getTime() + random.between(1, 90) * dayMs),
  }
  const charge = { license, status: 'active' as const, pricing: randomPricing(market), currency, items: 1234 }
  model.licenses.set(license, { customer, amends, charge: { ...charge, ...ends } })
  return license
}

/** A customer and a creator agree on a license, of which billing knows nothing. */
export async function agreeOnLicense(market: Marketplace): Promise<void> {
  if (market.model.customers.length > 0)
    await newOne(market, market.random.pick(market.model.customers).id, false)
}

export const newLicense: Step = async (market) => action(market, 'new license', () => agreeOnLicense(market))

/** A license is revoked, or amended by another that takes its place. */
export const endLicense: Step = async (market) => {
  const { random, model } = market
  const active = [...model.licenses].filter(([, { charge }]) => charge.status === 'active')
  if (active.length === 0) return undefined
  const [id, before] = random.pick(active)
  const endedAt = await timeOfCustomer(market, before.customer)
  const end = (ended: Partial<ModelLicense['charge']>) =>
    model.licenses.set(id, { ...before, charge: { ...before.charge, endedAt, ...ended } })
  if (random.chance(0.4)) return action(market, 'revoke license', async () => end({ status: 'revoked' }))
  const supersededBy = await newOne(market, before.customer, true)
  return action(market, 'amend license', async () => end({ status: 'superseded', supersededBy }))
}
