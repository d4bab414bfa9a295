import { account } from '@tallystick/protocol'
import { apiKeys } from '@tallystick/runtime'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startIdentityWorld } from './identity-world.ts'
import type { IdentityWorld } from './identity-world.ts'

let world: IdentityWorld
beforeAll(async () => void (world = await startIdentityWorld()))
afterAll(() => world.close())

test('a forgotten account is an id and a role, its keys are revoked, and being forgotten twice is once', async () => {
  const { key, tenant } = world
  const { link, store } = world.service
  const person = { name: 'Jane Doe', email: 'jane@example.com', country: 'DE', external_id: 'cr_jane' }
  const { id } = await world.newAccount(key, 'creator', { ...person, metadata: { phone: '030 1' } })
  const { secret } = await world.newKey(key, { account: id, scopes: ['accounts:read'] })
  const { personal } = link
  expect(await personal.tell(tenant, ['cr_jane', id])).toMatchObject([{ id, ...person }])
  for (const _ of [1, 2])
    expect(await personal.forget(tenant, { names: ['cr_jane', id] })).toEqual({
      erased: [{ object: 'account', id }],
      kept: [],
    })
  const left = readAnswer(account, await world.call(`/v1/accounts/${id}`, { key }))
  expect(left).toMatchObject({ id, role: 'creator', name: 'Erased', metadata: {}, status: 'suspended' })
  expect(JSON.stringify(left)).not.toMatch(/jane|030 1|"DE"/i)
  const keys = await store.find(apiKeys.byAccount, { equals: [tenant, id] })
  expect(keys.items.map(({ name, revokedAt }) => [name, revokedAt === null])).toEqual([['erased', false]])
  expect(await link.authenticate(secret)).toBeUndefined()
  const events = world.recorded(tenant).filter(({ kind }) => kind === 'account.erased')
  expect(events.length).toBeLessThan(2)
})

test('the founder stays, another marketplace is out of reach, and only services may ask', async () => {
  const { key, tenant } = world
  const { personal } = world.service.link
  const other = await world.newMarketplace()
  const { id } = await world.newAccount(key, 'creator', { external_id: 'cr_other' })
  expect(await personal.forget(tenant, { names: [tenant] })).toEqual({
    erased: [],
    kept: [{ object: 'account', id: tenant, reason: 'founder_of_marketplace' }],
  })
  expect(await personal.forget(other.tenant, { names: [id, 'cr_other'] })).toEqual({ erased: [], kept: [] })
  expect(await personal.tell(other.tenant, [id, 'cr_other'])).toEqual([])
  expect(await personal.tell(tenant, ['cr_other'])).toHaveLength(1)
  const body = { names: [id], pseudonym: 'erased_1' }
  for (const path of ['/v1/accounts/erasures', '/v1/accounts/personal-data'])
    expect(problemOf(await world.call(path, { key, body })).code).toBe('forbidden')
})
