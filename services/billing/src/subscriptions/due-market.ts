import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { createLog, systemEntropy } from '@tallystick/runtime'
import type { Entropy } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'
import { billingCollections } from '../collections.ts'
import { customers } from '../customers/collections.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { Deps } from '../deps.ts'
import { sandboxProvider } from '../payments/sandbox-provider.ts'
import type { StoredPrice } from '../prices/change-prices.ts'
import { prices } from '../prices/collections.ts'
import { tableTaxes, taxTable } from '../taxes/tax-table.ts'
import { meters, usageEvents } from '../usage/collections.ts'
import type { Meter, UsageEvent } from '../usage/collections.ts'
import { feedMeters } from '../usage/feed-meters.ts'
import { subscriptions } from './collections.ts'
import type { Subscription } from './find-subscription.ts'
import { periodFrom } from './periods.ts'

/** Everything that billing needs over the database at `url`, without a server and without jobs: for tests and benchmarks. */
export async function openBilling(url: string, entropy: Partial<Entropy> = {}): Promise<Deps> {
  const store = await openStore(url, { name: 'billing-test', collections: billingCollections })
  return {
    ...systemEntropy(),
    ...entropy,
    store,
    livemode: false,
    log: createLog({ name: 'billing-test', level: 'fatal' }),
    rights: {
      check: async (_tenant, uses) => uses.map(() => ({ permitted: true, code: 'license_active' })),
      charges: async (_tenant, questions) => questions.map(() => undefined),
      revoke: async () => {},
    },
    accounts: { suspend: async () => {}, reactivate: async () => {} },
    provider: sandboxProvider({ store }),
    taxes: tableTaxes(taxTable.parse({})),
    mailer: { send: async () => {} },
    lateUsageDays: 35,
    seller: { name: 'Seller', address: [] },
  }
}

/** The marketplace that `fillMarket` makes. */
export const dueTenant = 'acct_due'
const start = new Date('2026-01-31T10:00:00Z')
const tokens = { model: 'graduated', currency: 'USD', recurring: { interval: 'month', interval_count: 1 } }
const tiers = [
  { up_to: '10000', unit_amount: '0.001' },
  { up_to: 'inf', unit_amount: '0.0005' },
]
const rounding = { stage: 'line', mode: 'half_away_from_zero' }

/**
 * A marketplace with `count` customers, each with a subscription to a base fee and a price of used tokens, whose first
 * month begins a second after that of the one before, and with `events` usage events in it.
 */
export async function fillMarket(
  deps: Deps,
  { count, events = 2 }: { count: number; events?: number },
): Promise<void> {
  const meter = meterOf()
  await deps.store.insertMany(meters, [meter])
  const base = priceOf('base', { ...tokens, model: 'flat', amount: 1900, rounding })
  await deps.store.insertMany(prices, [
    base,
    { ...priceOf('tokens', { ...tokens, tiers, rounding }), meter: meter.id },
  ])
  const size = 500
  for (let from = 0; from < count; from += size) {
    const places = Array.from({ length: Math.min(size, count - from) }, (_, place) => from + place)
    await deps.store.insertMany(customers, places.map(customerOf))
    await deps.store.insertMany(subscriptions, places.map(subscriptionOf))
    const used = places.flatMap((place) => Array.from({ length: events }, (_, turn) => eventOf(place, turn)))
    await deps.store.insertMany(usageEvents, used)
    const writes = await feedMeters(
      deps,
      [meter],
      used.map((event) => ({ event, sign: 1n as const })),
    )
    for (let at = 0; at < writes.length; at += 2000) await deps.store.commit(writes.slice(at, at + 2000))
  }
}

function idOf(kind: Parameters<typeof derivedId>[0], name: string | number): string {
  return derivedId(kind, hash('sha256', `${kind} ${name}`))
}

function meterOf(): Meter {
  return {
    id: idOf('meter', 0),
    tenant: dueTenant,
    name: 'tokens',
    metric: 'tokens',
    aggregation: 'sum',
    field: 'quantity',
    filters: [],
    groupBy: [],
    active: true,
    status: 'active',
    epoch: 0,
    series: `${idOf('meter', 0)}.0`,
    createdAt: start,
  }
}

function priceOf(name: string, definition: object): StoredPrice {
  const about = { tenant: dueTenant, name, currency: 'USD', active: true, metadata: {}, createdAt: start }
  return { ...about, id: idOf('price', name), definition: JSON.stringify(definition) }
}

function customerOf(place: number): Omit<Customer, 'version'> {
  return {
    id: idOf('customer', place),
    tenant: dueTenant,
    reference: `dev_${place}`,
    name: `Customer ${place}`,
    currency: 'USD',
    timeZone: 'Europe/Berlin',
    taxTreatment: 'taxable',
    suspended: false,
    metadata: {},
    createdAt: start,
  }
}

function subscriptionOf(place: number): Subscription {
  const begin = new Date(start.getTime() + place * 1000)
  const schedule = { anchorDay: 31, timeZone: 'Europe/Berlin', interval: 'month' as const, intervalCount: 1 }
  const { period } = periodFrom({ ...schedule, anchor: begin }, begin)
  const advance = { from: begin, amount: 1900n }
  return {
    id: idOf('subscription', place),
    tenant: dueTenant,
    customer: idOf('customer', place),
    licenses: [],
    currency: 'USD',
    items: [
      { id: '1', price: idOf('price', 'base'), quantity: 1, advance },
      { id: '2', price: idOf('price', 'tokens'), quantity: 1 },
    ],
    status: 'active',
    ...schedule,
    start: begin,
    anchor: begin,
    period,
    closings: 1,
    pendingLines: [],
    dueAt: period.end,
    clock: '',
    metadata: {},
    createdAt: begin,
    updatedAt: begin,
    auditId: '',
  }
}

function eventOf(place: number, turn: number): UsageEvent {
  const name = `${place}-${turn}`
  const quantity = String(8000 + (place % 100))
  const occurredAt = new Date(start.getTime() + (turn + 1) * 86_400_000 + place * 1000)
  return {
    id: idOf('usage', name),
    tenant: dueTenant,
    event: name,
    kind: 'usage',
    status: 'accepted',
    customer: idOf('customer', place),
    licenses: [],
    items: [],
    metric: 'tokens',
    quantity,
    purpose: 'training',
    dimensions: {},
    effective: quantity,
    digest: name,
    epoch: 0,
    occurredAt,
    receivedAt: occurredAt,
    auditId: '',
  }
}
