import { testClocks } from '../../services/billing/src/clocks/collections.ts'
import { expireGrants } from '../../services/billing/src/credits/expire-grants.ts'
import { run as runDunning } from '../../services/billing/src/dunning/run-dunning.ts'
import { expireHolds, resolvePayments } from '../../services/billing/src/payments/resolve-payments.ts'
import { subscriptions } from '../../services/billing/src/subscriptions/collections.ts'
import { runBilling } from '../../services/billing/src/subscriptions/run-billing.ts'
import type { Marketplace } from './marketplace.ts'
import { action, anyOf, theOne, timeOfCustomer } from './steps.ts'
import type { ModelCustomer } from './model.ts'
import type { Action, Step } from './steps.ts'

const hourMs = 3_600_000

/** What is subscribed to: a plan, some prices, some licenses. */
function choice(
  { random, model }: Marketplace,
  { id: customer, currency }: Pick<ModelCustomer, 'id' | 'currency'>,
) {
  const plan = model.plans.find((one) => one.currency === currency)
  if (plan && random.chance(0.5)) return { plan: plan.id, seats: random.between(1, 9) }
  const prices = model.prices.filter((price) => price.currency === currency)
  const chosen = prices.filter(() => random.chance(0.5))
  const licenses = [...model.licenses]
    .filter(([, one]) => one.customer === customer && (one.charge.status === 'active' || random.chance(0.1)))
    .filter(() => random.chance(0.6))
    .map(([license]) => ({ license }))
  const isEmpty = chosen.length + licenses.length === 0
  const items = (isEmpty ? prices.slice(0, 1) : chosen).map(({ id, definition }) => ({
    price: id,
    quantity: definition.model === 'seat' ? random.between(1, 12) : 1,
  }))
  return { items: [...items, ...licenses] }
}

/** A customer subscribes, now or later, with a trial or without. */
export const subscribe: Step = async (market) => {
  const { random, model } = market
  const customer = random.pick(model.customers)
  const now = await timeOfCustomer(market, customer.id)
  const later = new Date(now.getTime() + random.between(1, 400) * hourMs).toISOString()
  const input = {
    customer: customer.id,
    ...choice(market, customer),
    ...(random.chance(0.2) && { trial_days: random.between(0, 15) }),
    ...(random.chance(0.3) && { anchor_day: random.pick([1, 15, 29, 31]) }),
    ...(random.chance(0.15) && { start: later }),
  }
  return action(market, 'subscribe', async (api) => {
    const { id } = await api.subscriptions.create(input)
    if (!model.subscriptions.some((one) => one.id === id))
      model.subscriptions.push({ id, customer: customer.id })
  })
}

/** Upgrade, downgrade, other seats. */
export const changeSubscription: Step = async (market) => {
  const { random, model } = market
  const found = await anyOf(market, subscriptions.byTenant, ({ status }) => status !== 'canceled')
  if (!found) return undefined
  model.touched.add(found.id)
  const when = random.pick(['now', 'now', 'period_end'] as const)
  const customer = { id: found.customer, currency: found.currency }
  const input = { subscription_id: found.id, when, ...choice(market, customer) }
  return action(market, `change ${when}`, (api) => api.subscriptions.change(input))
}

/** Pause, resume, cancel. */
export const endSubscription: Step = async (market) => {
  const { random, model } = market
  const found = await anyOf(market, subscriptions.byTenant, ({ status }) => status !== 'canceled')
  if (!found) return undefined
  model.touched.add(found.id)
  const input = { subscription_id: found.id }
  const paused = found.status === 'paused' || found.cancelAt !== undefined
  if (paused && random.chance(0.7)) return action(market, 'resume', (api) => api.subscriptions.resume(input))
  if (random.chance(0.5)) return action(market, 'pause', (api) => api.subscriptions.pause(input))
  const when = random.pick(['now', 'period_end'] as const)
  return action(market, `cancel ${when}`, (api) => api.subscriptions.cancel({ ...input, when }))
}

/** Time passes for some, and with it all that falls due. */
export const letTimePass: Step = async (market) => timePasses(market, market.random.pick(timesOf(market)))

/** Time passes for everybody, one after the other. */
export function letAllTimePass(market: Marketplace): Promise<Action>[] {
  return timesOf(market).map((clock) => timePasses(market, clock))
}

/** The clocks that customers follow; undefined is the machine's own. */
function timesOf({ model }: Marketplace): (string | undefined)[] {
  return [...new Set(model.customers.map(({ clock }) => clock))]
}

async function timePasses(market: Marketplace, id: string | undefined): Promise<Action> {
  const { random, stores } = market
  const hours = random.pick([1, 9, 24, 77, 200, 400, 760, 760, 1500])
  const passing = hours * hourMs + random.below(hourMs)
  if (id === undefined) return passRealTime(market, passing)
  const clock = await theOne(stores[0], testClocks, id)
  const to = clock.target ?? new Date(clock.now.getTime() + passing)
  return action(market, 'advance', async (api) => {
    market.machine += hourMs
    await api.testClocks.advance({ clock_id: id, to: to.toISOString() })
  })
}

/** The jobs of the service, as each of them comes to it. */
function passRealTime(market: Marketplace, passing: number): Action {
  const until = market.machine + passing
  return action(market, 'jobs', async (_api, deps) => {
    market.machine = Math.max(market.machine, until)
    const now = new Date(market.machine)
    await runBilling(deps, { until: now, batch: market.random.between(1, 3) })
    await runDunning(deps, undefined, now)
    await expireGrants(deps, now)
    await expireHolds(deps, now)
    await resolvePayments(deps)
  })
}
