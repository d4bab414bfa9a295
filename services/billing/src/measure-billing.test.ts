import { createMetrics } from '@tallystick/runtime'
import { insert } from '@tallystick/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { billingMetrics } from './billing-metrics.ts'
import { startBillingWorld } from './billing-world.ts'
import type { BillingWorld } from './billing-world.ts'
import { measureBilling } from './measure-billing.ts'
import { payments } from './payments/collections.ts'
import { subscriptions } from './subscriptions/collections.ts'

let world: BillingWorld
beforeAll(async () => void (world = await startBillingWorld()))
afterAll(() => world.close())

const tenant = 'acct_m'
const at = new Date('2099-01-01T12:00:00Z')
const ago = (seconds: number) => new Date(at.getTime() - seconds * 1000)
const made = {
  tenant,
  customer: 'cus_m',
  currency: 'EUR',
  metadata: {},
  createdAt: at,
  updatedAt: at,
  auditId: '',
}

function failing(id: string, seconds: number, clock: string) {
  return insert(subscriptions, {
    ...made,
    id,
    licenses: [],
    items: [],
    status: 'active',
    interval: 'month',
    intervalCount: 1,
    anchorDay: 1,
    timeZone: 'UTC',
    start: at,
    anchor: at,
    period: { start: at, end: at },
    closings: 0,
    pendingLines: [],
    failure: { code: 'no_price', message: 'x', since: ago(seconds), attempts: 3 },
    dueAt: at,
    clock,
  })
}

function asked(
  id: string,
  action: 'capture' | 'authorize',
  seconds: number,
  status: 'capturing' | 'requires_action',
) {
  return insert(payments, {
    ...made,
    id,
    amount: 1n,
    captured: 0n,
    refunded: 0n,
    status,
    // No rail of this service, so that none of its jobs looks at them.
    provider: 'another',
    intent: { action, key: id, amount: 1n, since: ago(seconds), looks: 3 },
    lookAt: at,
    deeds: 1,
    method: 'x',
  })
}

test('what cannot be charged and what no provider answers is counted, with how long it has been so', async () => {
  const { store } = world.service
  const measures = billingMetrics(createMetrics())
  const figures = async () => {
    await measureBilling({ store, now: () => at }, measures)
    const {
      failingSubscriptions: failures,
      failingOldestSeconds,
      unresolvedPayments,
      unresolvedOldestSeconds,
    } = measures
    const told = await Promise.all(
      [failures, failingOldestSeconds, unresolvedPayments, unresolvedOldestSeconds].map((one) => one.get()),
    )
    return told.map(({ values }) => values.filter(({ value }) => value > 0).map(({ value }) => value))
  }
  expect(await figures()).toEqual([[], [], [], []])
  await store.commit([
    failing('sub_1', 600, ''),
    failing('sub_2', 60, ''),
    failing('sub_clock', 6000, 'clk_1'),
    asked('pay_1', 'capture', 300, 'capturing'),
    asked('pay_2', 'capture', 30, 'capturing'),
    asked('pay_buyer', 'authorize', 9000, 'requires_action'),
  ])
  expect(await figures()).toEqual([[2], [600], [2], [300]])
})

test('what happened is counted by kind once the audit service has it', async () => {
  const key = await world.keyOf({ tenant })
  const made = await world.post('/v1/customers', key, { reference: 'one' })
  const { id: customer } = made.json as { id: string }
  const drafted = await world.post('/v1/invoices', key, {
    customer,
    lines: [{ description: 'x', amount: 100 }],
  })
  const { id } = drafted.json as { id: string }
  expect((await world.post(`/v1/invoices/${id}/finalize`, key, {})).status).toBe(200)
  const counted = 'tallystick_billing_events_total{kind="invoice.finalized"} 1'
  for (let text = ''; !text.includes(counted);) text = (await world.call('GET', '/metrics')).text
})
