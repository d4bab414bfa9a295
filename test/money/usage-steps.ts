import { action, theOne, timeOfCustomer } from './steps.ts'
import type { Action, Step } from './steps.ts'
import { usageEvents } from '../../services/billing/src/usage/collections.ts'
import { usageIdOf } from '../../services/billing/src/usage/identify-reports.ts'
import type { Marketplace } from './marketplace.ts'
import type { ModelCustomer } from './model.ts'

type Report = Record<string, unknown> & {
  event_id: string
  customer: string
  metric: string
  quantity: string
  purpose: string
}

const dayMs = 86_400_000

/** Events of any kind: new, late, too late, failed, without right, sent again, with other content. */
export const reportUsage: Step = async (market) => {
  const { random, model } = market
  const count = random.between(1, 6)
  const events: Report[] = []
  for (let one = 0; one < count; one++) {
    const before = model.reports.length > 0 && random.chance(0.15) ? random.pick(model.reports) : undefined
    const customer = random.pick(model.customers)
    if (!before) events.push(await newEvent(market, customer))
    else events.push({ ...(before as Report), ...(random.chance(0.2) && { quantity: '999' }) })
  }
  model.reports.push(...events)
  return reporting(market, events)
}

async function newEvent(market: Marketplace, customer: ModelCustomer): Promise<Report> {
  const { random, model } = market
  const now = await timeOfCustomer(market, customer.id)
  const country = random.pick(['DE', 'FR', 'US', undefined])
  const back = random.pick([0, 0, 1, 6, 25, 34, 40]) * dayMs * (0.3 + random.below(700) * 0.001)
  return {
    event_id: `event ${model.reports.length}-${random.below(1e9)}`,
    customer: random.chance(0.5) ? customer.id : customer.reference,
    metric: random.chance(0.9) ? random.pick(model.meters).metric : 'images',
    quantity: random.pick(['0', '1', '2', '7', '10', '0.5', '33.333', '64', '120']),
    purpose: 'train',
    model_id: random.pick(['m1', 'm2', 'm3']),
    success: !random.chance(0.1),
    occurred_at: new Date(now.getTime() - Math.floor(back)).toISOString(),
    ...licensesOf(market, customer),
    ...(country !== undefined && { dimensions: { country } }),
  }
}

/** Mostly none; else some of the customer's own, or one that permits nothing. */
function licensesOf({ random, model }: Marketplace, { id }: ModelCustomer): { licenses?: string[] } {
  if (random.chance(0.1)) return { licenses: ['lic_revoked'] }
  const own = [...model.licenses].filter(([, { customer }]) => customer === id).map(([license]) => license)
  if (own.length === 0 || random.chance(0.4)) return {}
  return { licenses: [...new Set([random.pick(own), random.pick(own)])] }
}

function reporting(market: Marketplace, events: Report[]): Action {
  const { model, stores, tenant } = market
  return action(market, 'usage', async (api) => {
    const { data } = await api.usage.report({ events })
    for (const [place, outcome] of data.entries()) {
      const sent = events[place]
      const counts = outcome.status === 'accepted' || outcome.first_status === 'accepted'
      if (!sent || model.events.has(sent.event_id) || (!counts && outcome.status !== 'duplicate')) continue
      // When it was received is the service's to say; whether it counts, the answer says.
      const { receivedAt, status } = await theOne(stores[0], usageEvents, usageIdOf(tenant, sent.event_id))
      if (status === 'accepted') note(market, sent, receivedAt)
    }
  })
}

function note({ model }: Marketplace, sent: Report, receivedAt: Date): void {
  const { dimensions } = sent as { dimensions?: { country?: string } }
  const customer = model.customers.find(({ id, reference }) => [id, reference].includes(sent.customer))
  model.events.set(sent.event_id, {
    event: sent.event_id,
    customer: customer?.id ?? '',
    metric: sent.metric,
    modelId: String(sent['model_id']),
    licenses: (sent as { licenses?: string[] }).licenses ?? [],
    ...(dimensions?.country !== undefined && { country: dimensions.country }),
    occurredAt: new Date(String(sent['occurred_at'])),
    receivedAt,
    effective: sent.quantity,
  })
}

/** An operator corrects an event, or takes it out. */
export const correctUsage: Step = async (market) => {
  const { random, model } = market
  const open = [...model.events.values()].filter(({ effective }) => effective !== undefined)
  if (open.length === 0) return undefined
  const { event, customer } = random.pick(open)
  model.corrected.add(customer)
  const input = { event_id: event, reason: 'miscounted' }
  if (random.chance(0.4)) {
    return action(market, 'deprecate usage', async (api) => {
      await api.usage.deprecate(input)
      const { effective: _, ...rest } = model.events.get(event)!
      model.events.set(event, rest)
    })
  }
  const quantity = random.pick(['0', '3', '50', '0.25'])
  return action(market, 'adjust usage', async (api) => {
    await api.usage.adjust({ ...input, quantity })
    model.events.set(event, { ...model.events.get(event)!, effective: quantity })
  })
}

/** A meter is counted anew. */
export const rebuildMeter: Step = async (market) => {
  const { id } = market.random.pick(market.model.meters)
  return action(market, 'rebuild meter', (api) => api.meters.rebuild({ meter_id: id }))
}
