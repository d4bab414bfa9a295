import { listOf } from '@tallystick/protocol'
import { systemEntropy } from '@tallystick/runtime'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startBillingWorld } from './billing-world.ts'
import type { BillingWorld } from './billing-world.ts'
import { customerView } from './customers/schemas.ts'
import { subscriptionView } from './subscriptions/subscription-schemas.ts'

const made = z.object({ id: z.string() })

const { newId } = systemEntropy()
const tenant = newId('account')
const account = newId('account')
let world: BillingWorld
let operator: string
let developer: string

beforeAll(async () => {
  world = await startBillingWorld()
  operator = await world.keyOf({ tenant })
  developer = await world.keyOf({ tenant, role: 'developer', account, reference: 'dev_456' })
})
afterAll(() => world.close())

test('who is named by the tenant’s own reference reaches what is its own, and nothing else', async () => {
  const own = readAnswer(
    customerView,
    await world.post('/v1/customers', operator, { reference: 'dev_456' }),
    201,
  )
  const other = readAnswer(
    customerView,
    await world.post('/v1/customers', operator, { reference: 'dev_7' }),
    201,
  )
  const list = await world.call('GET', '/v1/customers', { key: developer })
  expect(readAnswer(listOf(customerView), list).data).toEqual([own])
  expect((await world.call('GET', `/v1/customers/${other.id}`, { key: developer })).status).toBe(404)
  const event = { event_id: 'e1', license_id: newId('license'), metric: 'tokens', quantity: '5' }
  const use = { ...event, purpose: 'train' }
  expect((await world.post('/v1/usage-reports', developer, use)).status).toBe(201)
  const foreign = await world.post('/v1/usage-reports', developer, {
    ...use,
    event_id: 'e2',
    customer: 'dev_7',
  })
  expect(problemOf(foreign).code).toBe('reference_not_found')
  const stranger = await world.keyOf({ tenant, role: 'developer', account: newId('account') })
  const none = problemOf(await world.post('/v1/usage-reports', stranger, { ...use, event_id: 'e3' }))
  expect(none.detail).toMatch(/^There is no customer for the account acct_/)
})

test('a customer sets its e-mail and takes a plan, but neither its taxes nor its own mix of prices', async () => {
  const customer = readAnswer(
    listOf(customerView),
    await world.call('GET', '/v1/customers', { key: developer }),
  ).data[0]
  const path = `/v1/customers/${customer?.id}`
  expect((await world.post(path, developer, { email: 'us@example.com' })).status).toBe(200)
  const exempt = problemOf(await world.post(path, developer, { tax_treatment: 'exempt', country: 'DE' }))
  expect(exempt).toMatchObject({
    status: 403,
    errors: [{ pointer: '/country' }, { pointer: '/tax_treatment' }],
  })
  const flat = { name: 'Fee', definition: { model: 'flat', currency: 'USD', amount: 900 } }
  const price = made.parse((await world.post('/v1/prices', operator, flat)).json)
  const named = { name: 'Basic', prices: [price.id] }
  const plan = made.parse((await world.post('/v1/plans', operator, named)).json)
  const begin = { customer: customer?.id }
  for (const more of [{ items: [{ price: price.id }] }, { plan: plan.id, trial_days: 730 }]) {
    const refused = problemOf(await world.post('/v1/subscriptions', developer, { ...begin, ...more }))
    expect(refused.code).toBe('forbidden')
  }
  const taken = await world.post('/v1/subscriptions', developer, { ...begin, plan: plan.id })
  const { id } = readAnswer(subscriptionView, taken, 201)
  const mix = await world.post(`/v1/subscriptions/${id}/change`, developer, { items: [{ price: price.id }] })
  expect(problemOf(mix).code).toBe('forbidden')
  expect((await world.post(`/v1/subscriptions/${id}/cancel`, developer, {})).status).toBe(200)
})
