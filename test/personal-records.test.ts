import { formatSecret } from '@tallystick/runtime'
import type { Scope } from '@tallystick/protocol'
import { readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBillingWorld } from '../services/billing/src/billing-world.ts'
import type { BillingWorld } from '../services/billing/src/billing-world.ts'
import { customerView } from '../services/billing/src/customers/schemas.ts'
import { foundTenant } from '../services/identity/src/index.ts'
import { startIdentityWorld } from '../services/identity/src/identity-world.ts'
import type { IdentityWorld } from '../services/identity/src/identity-world.ts'
import { httpPersonalRecords, unknownPersonalRecords } from '../services/licensing/src/http-links.ts'

const names = ['dev_jane']
const pseudonym = 'erased_01'
let billing: BillingWorld
let identity: IdentityWorld

beforeAll(async () => {
  billing = await startBillingWorld()
  identity = await startIdentityWorld()
})
afterAll(async () => {
  await billing.close()
  await identity.close()
})

test('licensing has billing forget a customer over HTTP', async () => {
  const { tenant } = identity
  const key = await billing.keyOf({ tenant })
  const sent = { reference: 'dev_jane', email: 'jane@example.com' }
  const { id } = readAnswer(customerView, await billing.post('/v1/customers', key, sent), 201)
  const service = await billing.keyOf({ tenant: 'acct_platform', scopes: ['service'] })
  const records = httpPersonalRecords('customers', { url: billing.url, key: service })
  expect(await records.tell(tenant, names)).toMatchObject([{ id, email: 'jane@example.com' }])
  expect(await records.forget(tenant, { names, pseudonym })).toEqual({
    erased: [{ object: 'customer', id }],
    kept: [],
  })
  expect(await records.tell(tenant, names)).toEqual([])
})

test('and identity an account', async () => {
  const { tenant, key } = identity
  const { deps, store } = identity.service
  const { id } = await identity.newAccount(key, 'developer', { external_id: 'dev_jane', name: 'Jane' })
  const secret = formatSecret('test', deps.random(32))
  const scopes: Scope[] = ['service']
  await store.commit(foundTenant(deps, { name: 'Platform', scopes }, secret).writes)
  const records = httpPersonalRecords('accounts', { url: identity.url, key: secret })
  expect(await records.tell(tenant, names)).toMatchObject([{ id, name: 'Jane' }])
  expect(await records.forget(tenant, { names: [...names, id], pseudonym })).toEqual({
    erased: [{ object: 'account', id }],
    kept: [],
  })
  expect(await records.tell(tenant, [id])).toMatchObject([{ id, name: 'Erased' }])
})

test('a service that licensing was not told of is named as one that kept what it has', async () => {
  const records = unknownPersonalRecords('customers')
  expect(await records.tell('acct_1', names)).toEqual([])
  expect((await records.forget('acct_1', { names, pseudonym })).kept).toMatchObject([
    { reason: 'service_not_linked' },
  ])
})
