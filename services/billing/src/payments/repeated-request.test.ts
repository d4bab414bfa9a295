import { readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { customerView } from '../customers/schemas.ts'
import { capturePayment, confirmPayment, voidPayment } from './change-payment.ts'
import { payments } from './collections.ts'
import { paymentView } from './payment-schemas.ts'

let world: BillingWorld
let key: string

beforeAll(async () => {
  world = await startBillingWorld()
  key = await world.keyOf({ tenant: 'acct_again' })
})
afterAll(() => world.close())

async function authorized(reference: string, card = '4242 4242 4242 4242') {
  const made = await world.post('/v1/customers', key, { reference, payment_method: card })
  const customer = readAnswer(customerView, made, 201).id
  const held = await world.post('/v1/payments/authorize', key, { customer, amount: 1000 })
  const { id } = readAnswer(paymentView, held, 201)
  return async () => {
    const payment = await world.service.store.get(payments, id)
    if (!payment) throw new Error('the payment is gone')
    return payment
  }
}

// As after a crash between the change and the record of its answer: the same request comes once more.
test('a request whose answer was lost is told what it did; another request is refused', async () => {
  const { deps } = world.service
  const capture = await authorized('dev_1')
  const captured = await capturePayment(deps, await capture(), 600n, 'request 1')
  expect(captured).toMatchObject({ status: 'captured', captured: 600n })
  expect(await capturePayment(deps, await capture(), 600n, 'request 1')).toMatchObject(captured)
  await expect(capturePayment(deps, await capture(), 600n, 'request 2')).rejects.toThrow(/captured/)

  const release = await authorized('dev_2')
  expect(await voidPayment(deps, await release(), 'request 3')).toMatchObject({ status: 'voided' })
  expect(await voidPayment(deps, await release(), 'request 3')).toMatchObject({ status: 'voided' })
  await expect(voidPayment(deps, await release(), 'request 4')).rejects.toThrow(/voided/)

  const confirm = await authorized('dev_3', '4000 0025 0000 3155')
  expect(await confirmPayment(deps, await confirm(), true, 'request 5')).toMatchObject({
    status: 'authorized',
  })
  expect(await confirmPayment(deps, await confirm(), true, 'request 5')).toMatchObject({
    status: 'authorized',
  })
  await expect(confirmPayment(deps, await confirm(), true, 'request 6')).rejects.toThrow(/no authentication/)
})
