import { systemEntropy } from '@tallystick/runtime'
import { readAnswer } from '@tallystick/runtime/test-http'
import { insert } from '@tallystick/storage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startBillingWorld } from '../billing-world.ts'
import type { BillingWorld } from '../billing-world.ts'
import { creditGrants } from '../credits/collections.ts'
import { stripeCustomers } from '../stripe/collections.ts'
import { customers } from './collections.ts'
import { customerView } from './schemas.ts'

const outcome = z.strictObject({
  object: z.literal('erasure'),
  erased: z.array(z.strictObject({ object: z.string(), id: z.string() })),
  kept: z.array(z.strictObject({ object: z.string(), id: z.string(), reason: z.string() })),
})
const person = {
  name: 'Jane Doe',
  email: 'jane@example.com',
  country: 'DE',
  region: 'BY',
  tax_id: 'DE123456789',
  payment_method: '4242 4242 4242 4242',
  metadata: { phone: '030 1' },
}
const { newId } = systemEntropy()
const [tenant, other] = [newId('account'), newId('account')]
let world: BillingWorld
let key: string
let service: string

beforeAll(async () => {
  world = await startBillingWorld()
  key = await world.keyOf({ tenant })
  service = await world.keyOf({ tenant: newId('account'), scopes: ['service'] })
})
afterAll(() => world.close())

async function create(reference: string) {
  return readAnswer(customerView, await world.post('/v1/customers', key, { reference, ...person }), 201)
}

async function forget(names: string[], pseudonym: string, of = tenant) {
  const headers = { 'tallystick-tenant': of }
  return readAnswer(
    outcome,
    await world.post('/v1/customers/erasures', service, { names, pseudonym }, headers),
  )
}

test('a forgotten customer has no name, address, tax id or card, however often it is asked', async () => {
  const { store } = world.service
  const [one, two] = [await create('dev_jane'), await create('acct_jane')]
  const at = new Date()
  await store.commit([
    insert(stripeCustomers, { id: 'cus_stripe', tenant, reference: 'dev_jane', createdAt: at }),
  ])
  expect((await forget(['dev_jane', 'acct_jane'], 'erased_1', other)).erased).toEqual([])
  for (const _ of [1, 2]) {
    const { erased, kept } = await forget(['dev_jane', 'acct_jane'], 'erased_1')
    expect(new Set(erased.map(({ id }) => id))).toEqual(new Set([one.id, two.id]))
    expect(kept).toEqual([])
  }
  const left = await store.getMany(customers, [one.id, two.id])
  expect(new Set(left.map((found) => found?.reference))).toEqual(new Set(['erased_1', 'erased_1_2']))
  expect(JSON.stringify(left)).not.toMatch(/jane|030 1|"(DE|BY)"|DE1234|4242/i)
  expect(await store.get(stripeCustomers, 'cus_stripe')).toBeUndefined()
})

test('who has credit left is kept, and told why', async () => {
  const { id } = await create('dev_credit')
  const amount = 100n
  const at = new Date()
  const money = { currency: 'USD', amount, remaining: amount, priority: 0, name: 'prepaid' }
  await world.service.store.commit([
    insert(creditGrants, {
      ...money,
      id: 'cred_1',
      tenant,
      customer: id,
      status: 'open',
      createdAt: at,
      auditId: 'aud_1',
    }),
  ])
  expect(await forget(['dev_credit'], 'erased_2')).toMatchObject({
    erased: [],
    kept: [{ object: 'customer', id, reason: 'credit_left' }],
  })
  expect((await world.service.store.get(customers, id))?.name).toBe('Jane Doe')
})
