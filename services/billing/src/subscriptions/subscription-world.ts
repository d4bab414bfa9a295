import { hash } from 'node:crypto'
import { readAnswer } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import type { PriceInput } from '@tallystick/pricing'
import { z } from 'zod'

import type { BillingWorld } from '../billing-world.ts'
import { clockView } from '../clocks/clock-schemas.ts'
import { customerView } from '../customers/schemas.ts'
import { invoices } from '../invoices/collections.ts'
import type { StoredInvoice } from '../invoices/find-invoice.ts'
import { checkLedger } from '../ledger/check-ledger.ts'
import { planView, priceView } from '../prices/price-schemas.ts'
import { buildMeters } from '../usage/build-meter.ts'
import { subscriptionView } from './subscription-schemas.ts'

type View = z.infer<typeof subscriptionView>
const made = z.looseObject({ id: z.string() })

/** One marketplace whose customers follow a test clock, driven over HTTP. */
export interface Market {
  world: BillingWorld
  tenant: string
  key: string
  clock: string
  post(path: string, body: unknown): Promise<HttpAnswer>
  customer(more?: object): Promise<string>
  price(definition: PriceInput, meter?: string): Promise<string>
  plan(prices: string[], more?: object): Promise<string>
  meter(more?: object): Promise<string>
  subscribe(body: object): Promise<View>
  act(subscription: string, deed: 'change' | 'pause' | 'resume' | 'cancel', body?: object): Promise<View>
  read(subscription: string): Promise<View>
  /** Lets time pass up to a moment. */
  until(moment: string): Promise<void>
  /** Reports usage of the metric `tokens`. */
  use(customer: string, at: string, quantity: string, more?: object): Promise<void>
  /** In the order of their numbers. */
  invoices(): Promise<StoredInvoice[]>
}

let count = 0

/** Starts a marketplace at a moment of its test clock. */
export async function openMarket(world: BillingWorld, now: string): Promise<Market> {
  const letters = hash('sha256', `market ${count++}`, 'hex').replaceAll(/[ilou]/g, 'x')
  const tenant = `acct_${letters.slice(0, 26)}`
  const key = await world.keyOf({ tenant })
  const post = (path: string, body: unknown) => world.post(path, key, body)
  const create = async (path: string, body: unknown) => readAnswer(made, await post(path, body), 201).id
  const clock = readAnswer(clockView, await post('/v1/test-clocks', { name: 'time', now }), 201).id
  const path = (id: string) => `/v1/subscriptions/${id}`
  return {
    world,
    tenant,
    key,
    clock,
    post,
    async customer(more = {}) {
      const reference = `dev_${count++}`
      const body = { reference, test_clock: clock, payment_method: '4242 4242 4242 4242', ...more }
      return readAnswer(customerView, await post('/v1/customers', body), 201).id
    },
    price: async (definition, meter) => {
      const body = { name: `Price ${definition.model}`, definition, ...(meter && { meter }) }
      return readAnswer(priceView, await post('/v1/prices', body), 201).id
    },
    plan: async (prices, more = {}) =>
      readAnswer(planView, await post('/v1/plans', { name: 'Plan', prices, ...more }), 201).id,
    async meter(more = {}) {
      const id = await create('/v1/meters', {
        name: `m${count++}`,
        metric: 'tokens',
        aggregation: 'sum',
        ...more,
      })
      await buildMeters(world.service.deps)
      return id
    },
    subscribe: async (body) => readAnswer(subscriptionView, await post('/v1/subscriptions', body), 201),
    act: async (id, deed, body = {}) => readAnswer(subscriptionView, await post(`${path(id)}/${deed}`, body)),
    read: async (id) => readAnswer(subscriptionView, await world.call('GET', path(id), { key })),
    async until(moment) {
      const told = readAnswer(clockView, await post(`/v1/test-clocks/${clock}/advance`, { to: moment }))
      if (told.status !== 'ready' || told.now !== new Date(moment).toISOString()) {
        throw new Error(`The clock stands at ${told.now} (${told.status})`)
      }
    },
    async use(customer, at, quantity, more = {}) {
      const event = { event_id: `e${count++}`, customer, metric: 'tokens', quantity, purpose: 'training' }
      const answer = await post('/v1/usage-reports', { ...event, occurred_at: at, ...more })
      if (answer.status !== 201) throw new Error(`Usage was refused: ${JSON.stringify(answer)}`)
    },
    async invoices() {
      const found: StoredInvoice[] = []
      for await (const { version: _, ...one } of world.service.store.scan(invoices.byTenant, {
        equals: [tenant],
      })) {
        found.push(one)
      }
      return found.toSorted((a, b) => ((a.number ?? '') < (b.number ?? '') ? -1 : 1))
    },
  }
}

/** What is wrong with the books of a marketplace: its ledger, the sums of its invoices, gaps in their numbers. */
export async function faultsOf({ world, tenant, invoices: list }: Market): Promise<string[]> {
  const faults: string[] = []
  const { unbalanced, differences } = await checkLedger({ store: world.service.store }, tenant)
  if (unbalanced.length + differences.length > 0)
    faults.push(JSON.stringify([unbalanced, differences.length]))
  const last = new Map<string, number>()
  for (const { number = '', lines, subtotal } of await list()) {
    const sum = lines.reduce((total, { amount }) => total + amount, 0n)
    if (sum !== subtotal) faults.push(`${number} sums to ${sum}, not to ${subtotal}`)
    const [year = '', place] = number.split('-')
    const expected = (last.get(year) ?? 0) + 1
    if (Number(place) !== expected) faults.push(`${number} is not the ${expected}th`)
    last.set(year, expected)
  }
  return faults
}
