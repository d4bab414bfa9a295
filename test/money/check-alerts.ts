import { alertPeriod, stateIdOf } from '../../services/billing/src/alerts/alert-period.ts'
import { alertStates, usageAlerts } from '../../services/billing/src/alerts/collections.ts'
import type { UsageAlert } from '../../services/billing/src/alerts/collections.ts'
import { gaugeOf } from '../../services/billing/src/alerts/gauge.ts'
import { customers } from '../../services/billing/src/customers/collections.ts'
import { toScaled } from '../../services/billing/src/usage/scaled.ts'
import { countedIn, figure } from './check-usage.ts'
import type { Marketplace } from './marketplace.ts'
import { theOne } from './steps.ts'

/**
 * What is wrong with thresholds: each state counts what the events of its period say, no event that was sent after a cap
 * was set has passed it, and whatever was reached was told.
 */
export async function wrongWithAlerts(market: Marketplace): Promise<string[]> {
  const { stores, model } = market
  const found = await stores[0].getMany(usageAlerts, [...model.alerts.keys()])
  const wrong: string[] = []
  for (const alert of found) if (alert?.active) wrong.push(...(await wrongStates(market, alert)))
  return wrong
}

async function wrongStates(market: Marketplace, alert: UsageAlert): Promise<string[]> {
  const {
    stores: [store],
    model,
  } = market
  const gauge = gaugeOf(alert)
  const watched = model.meters.filter(({ id }) => gauge.meters.includes(id))
  const customer = await theOne(store, customers, alert.customer)
  const ids = new Set<string>()
  for (const { customer: of, occurredAt } of model.events.values())
    if (of === alert.customer)
      ids.add(stateIdOf(alert, await alertPeriod({ store }, alert, customer, occurredAt)))
  const wrong: string[] = []
  for (const state of await store.getMany(alertStates, [...ids])) {
    if (!state) continue
    const events = watched.map((meter) => ({
      meter,
      counted: countedIn(market, meter, alert.customer, state.period),
    }))
    const due = new Map(events.map(({ meter, counted }) => [meter.id, toScaled(figure(meter, counted))]))
    const about = `${alert.kind} ${alert.id} from ${state.period.start.toISOString()}`
    for (const { meter, quantity } of state.counted)
      if (toScaled(quantity) !== due.get(meter)) wrong.push(`${about} counts ${quantity} of ${meter}`)
    const reached = gauge.figure(due)
    if (reached >= gauge.limit && !state.firedAt) wrong.push(`${about} was reached and not told`)
    const before = model.alerts.get(alert.id)?.before
    const passed = events.some(({ counted }) => counted.some(({ event }) => !before?.has(event)))
    // A correction tells what was used already, and is never refused.
    if (alert.kind === 'cap' && passed && reached > gauge.limit && !model.corrected.has(alert.customer))
      wrong.push(`${about} of ${gauge.show(gauge.limit)} was passed: ${gauge.show(reached)}`)
  }
  return wrong
}
