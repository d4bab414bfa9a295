import { listOf } from '@tallystick/protocol'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from './schemas.ts'

let world: BillingWorld
let key: string

beforeAll(async () => {
  world = await startBillingWorld()
  key = await world.keyOf({ tenant: 'acct_a' })
})
afterAll(() => world.close())

test('a customer is created, found, changed and listed, and never with a card number', async () => {
  const sent = {
    reference: 'dev_1',
    currency: 'EUR',
    time_zone: 'Europe/Berlin',
    payment_method: '4242 4242 4242 4242',
  }
  const made = readAnswer(customerView, await world.post('/v1/customers', key, sent), 201)
  expect(made).toMatchObject({ reference: 'dev_1', currency: 'EUR', livemode: false })
  expect(made.payment_method).toEqual({ provider: 'sandbox', brand: 'visa', last4: '4242' })
  const path = `/v1/customers/${made.id}`
  expect(readAnswer(customerView, await world.call('GET', path, { key }))).toEqual(made)
  const changed = readAnswer(customerView, await world.post(path, key, { email: 'a@example.com' }))
  expect(changed).toEqual({ ...made, email: 'a@example.com' })
  const list = readAnswer(listOf(customerView), await world.call('GET', '/v1/customers', { key }))
  expect(list.data).toEqual([changed])
  expect(JSON.stringify(list)).not.toContain('42424242')
})

test('a reference is taken once; bad zones, currencies and cards are refused with a pointer', async () => {
  await world.post('/v1/customers', key, { reference: 'dev_2' })
  expect(problemOf(await world.post('/v1/customers', key, { reference: 'dev_2' })).code).toBe(
    'already_exists',
  )
  const bad = [
    [{ reference: 'x', time_zone: 'Mars/Olympus' }, '/time_zone'],
    [{ reference: 'x', currency: 'XAU' }, '/currency'],
    [{ reference: 'x', payment_method: '4111 1111 1111 1111' }, '/payment_method'],
    [{ reference: 'x', surprise: 1 }, '/surprise'],
  ] as const
  for (const [body, pointer] of bad) {
    const problem = problemOf(await world.post('/v1/customers', key, body))
    expect(problem).toMatchObject({ status: 400, errors: [{ pointer }] })
  }
})

test("another tenant's customer, and another customer's, is as one that is not there", async () => {
  const made = readAnswer(
    customerView,
    await world.post('/v1/customers', key, { reference: 'acct_dev3' }),
    201,
  )
  const path = `/v1/customers/${made.id}`
  const others = [
    await world.keyOf({ tenant: 'acct_b' }),
    await world.keyOf({ tenant: 'acct_a', role: 'developer', account: 'acct_other' }),
  ]
  const absent = problemOf(await world.call('GET', '/v1/customers/cus_01kqxq5t8r0000000000000000', { key }))
  for (const other of others) {
    const problem = problemOf(await world.call('GET', path, { key: other }))
    expect({ ...problem, request_id: '', instance: '' }).toEqual({ ...absent, request_id: '', instance: '' })
    expect((await world.post(path, other, { name: 'mine now' })).status).toBe(404)
  }
  const own = await world.keyOf({ tenant: 'acct_a', role: 'developer', account: 'acct_dev3' })
  expect((await world.call('GET', path, { key: own })).status).toBe(200)
})
