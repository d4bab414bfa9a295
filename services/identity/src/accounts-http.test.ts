import { account, listOf } from '@tallystick/protocol'
import { problemOf, readAnswer, until } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accounts } from './collections.ts'
import { startIdentityWorld } from './identity-world.ts'
import type { IdentityWorld } from './identity-world.ts'

let world: IdentityWorld
beforeAll(async () => void (world = await startIdentityWorld()))
afterAll(() => world.close())

const missing = 'acct_01kqxq5t8r0000000000000000'

test('an account is created, read, listed and changed, and each change is a record with digests', async () => {
  const { key, tenant, call } = world
  const made = await world.newAccount(key, 'creator', {
    external_id: 'cr_123',
    email: 'ada@example.com',
    country: 'GB',
    metadata: { studio: 'north' },
  })
  expect(made).toMatchObject({ status: 'active', role: 'creator', external_id: 'cr_123', plan: 'standard' })
  expect(readAnswer(account, await call(`/v1/accounts/${made.id}`, { key }))).toEqual(made)
  const byReference = await call('/v1/accounts?external_id=cr_123', { key })
  expect(readAnswer(listOf(account), byReference).data).toEqual([made])
  const creators = readAnswer(listOf(account), await call('/v1/accounts?role=creator&limit=1', { key }))
  expect(creators.data).toEqual([made])

  const change = { name: 'Ada', email: null, plan: 'unlimited', metadata: {} }
  const changed = readAnswer(account, await call(`/v1/accounts/${made.id}`, { key, body: change }))
  expect(changed).toMatchObject({ name: 'Ada', plan: 'unlimited', metadata: {}, country: 'GB' })
  expect(changed.email).toBeUndefined()
  expect(changed.audit_id).not.toBe(made.audit_id)

  const records = await until(() => {
    const found = world.recorded(tenant).filter(({ data }) => subjectOf(data) === made.id)
    return found.length === 2 ? found : undefined
  })
  expect(records.map(({ kind }) => kind)).toEqual(['account.created', 'account.updated'])
  expect(records.map(({ actor }) => actor)).toEqual([tenant, tenant])
  const [first, second] = records.map(({ data }) => data?.['change'])
  expect(first).toMatchObject({ subject: made.id, after: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) })
  expect(first).not.toHaveProperty('before')
  expect(second).toMatchObject({ before: (first as { after: string }).after })
})

function subjectOf(data: Record<string, unknown> | undefined): unknown {
  const change = data?.['change']
  return typeof change === 'object' && change !== null && 'subject' in change ? change.subject : undefined
}

test('a reference of the tenant names one account, however many ask at once; another tenant may use it too', async () => {
  const { key, call } = world
  const body = { role: 'developer', name: 'Twin', external_id: 'twin' }
  const answers = await Promise.all(Array.from({ length: 5 }, () => call('/v1/accounts', { key, body })))
  const refused = answers.filter(({ status }) => status !== 201)
  expect(refused.map((answer) => problemOf(answer).code)).toEqual(Array(4).fill('already_exists'))
  const other = await world.newMarketplace()
  expect((await call('/v1/accounts', { key: other.key, body })).status).toBe(201)
})

test('the same request with the same idempotency key makes one account', async () => {
  const { key, call } = world
  const sent = {
    key,
    body: { role: 'auditor', name: 'Once' },
    headers: { 'idempotency-key': 'once-account' },
  }
  const [first, second] = [await call('/v1/accounts', sent), await call('/v1/accounts', sent)]
  expect(second.text).toBe(first.text)
  expect(second.headers.get('idempotent-replayed')).toBe('true')
  const without = { key, body: sent.body, headers: { 'idempotency-key': '' } }
  expect((await call('/v1/accounts', without)).status).toBe(400)
})

test('an account of another tenant looks like one that is not there, on every route', async () => {
  const other = await world.newMarketplace()
  const { id } = await world.newAccount(world.key, 'developer')
  const routes: [string, object | undefined][] = [
    ['', undefined],
    ['', { name: 'mine now' }],
    ['/suspend', { reason: 'x' }],
    ['/reactivate', { reason: 'x' }],
  ]
  for (const [path, body] of routes) {
    const sent = { key: other.key, ...(body && { body }) }
    const foreign = problemOf(await world.call(`/v1/accounts/${id}${path}`, sent))
    const absent = problemOf(await world.call(`/v1/accounts/${missing}${path}`, sent))
    expect(foreign.status).toBe(404)
    const bare = (problem: typeof foreign) => ({ ...problem, instance: '', request_id: '' })
    expect(bare(foreign)).toEqual(bare(absent))
  }
  const list = await world.call('/v1/accounts?limit=100', { key: other.key })
  expect(readAnswer(listOf(account), list).data.map((one) => one.id)).toEqual([other.tenant])
})

test('an account has a plan that is configured; one without limits is given by the platform alone', async () => {
  const { key, call, service } = world
  const { id } = await world.newAccount(key, 'developer', { plan: 'standard' })
  const plain = await world.newKey(key, { scopes: ['accounts:read', 'accounts:write'] })
  const ask = (plan: string, as: string) => [
    () => call('/v1/accounts', { key: as, body: { role: 'developer', name: 'x', plan } }),
    () => call(`/v1/accounts/${id}`, { key: as, body: { plan } }),
  ]
  for (const plan of ['golden', 'public', 'constructor']) {
    for (const send of ask(plan, key)) {
      const { code, errors } = problemOf(await send())
      expect([code, errors?.[0]?.pointer]).toEqual(['validation_failed', '/plan'])
      expect(errors?.[0]?.fix).toBe('Take one of standard, unlimited.')
    }
  }
  for (const send of ask('unlimited', plain.secret)) expect(problemOf(await send()).code).toBe('forbidden')
  expect(await service.store.get(accounts, id)).toMatchObject({ plan: 'standard' })
  for (const send of ask('unlimited', key)) expect((await send()).status).toBeLessThan(300)
  // What stays as it is needs no right.
  const same = { plan: 'unlimited', name: 'renamed' }
  const renamed = await call(`/v1/accounts/${id}`, { key: plain.secret, body: same })
  expect(readAnswer(account, renamed)).toMatchObject(same)
})

test('a developer sees itself alone, and changes no account', async () => {
  const { key, call } = world
  const { id } = await world.newAccount(key, 'developer', { external_id: 'dev_self' })
  const stranger = await world.newAccount(key, 'developer')
  const own = await world.newKey(key, { account: 'dev_self', scopes: ['accounts:read', 'accounts:write'] })
  const list = await call('/v1/accounts', { key: own.secret })
  expect(readAnswer(listOf(account), list).data.map((one) => one.id)).toEqual([id])
  expect((await call(`/v1/accounts/${id}`, { key: own.secret })).status).toBe(200)
  expect((await call(`/v1/accounts/${stranger.id}`, { key: own.secret })).status).toBe(404)
  const body = { role: 'operator', name: 'Coup' }
  expect((await call('/v1/accounts', { key: own.secret, body })).status).toBe(403)
  const update = { plan: 'unlimited' }
  expect((await call(`/v1/accounts/${id}`, { key: own.secret, body: update })).status).toBe(403)
  expect((await call(`/v1/accounts/${stranger.id}`, { key: own.secret, body: update })).status).toBe(403)
})

test('the keys of a suspended account are refused until it is reactivated; the founder cannot be suspended', async () => {
  const { key, tenant, call } = world
  const { id } = await world.newAccount(key, 'developer')
  const own = await world.newKey(key, { account: id, scopes: ['accounts:read'] })
  const { authenticate } = world.service.link
  expect(await authenticate(own.secret)).toMatchObject({ account: id })
  const reason = { reason: 'invoice overdue' }
  const suspended = readAnswer(account, await call(`/v1/accounts/${id}/suspend`, { key, body: reason }))
  expect(suspended).toMatchObject({ status: 'suspended', suspension_reason: 'invoice overdue' })
  expect(await authenticate(own.secret)).toBeUndefined()
  expect((await call('/v1/api-keys/self', { key: own.secret })).status).toBe(401)
  const again = await call(`/v1/accounts/${id}/suspend`, { key, body: reason })
  expect(problemOf(again).code).toBe('invalid_state')
  const active = readAnswer(account, await call(`/v1/accounts/${id}/reactivate`, { key, body: reason }))
  expect(active.suspension_reason).toBeUndefined()
  expect(await authenticate(own.secret)).toMatchObject({ account: id })
  const founder = await call(`/v1/accounts/${tenant}/suspend`, { key, body: reason })
  expect(problemOf(founder).code).toBe('invalid_state')
})

test('the link resolves parties within their tenant, and suspends once however often it is asked', async () => {
  const { key, tenant } = world
  const { link } = world.service
  const other = await world.newMarketplace()
  const { id } = await world.newAccount(key, 'creator', { external_id: 'cr_link' })
  const party = { account: id, reference: 'cr_link' }
  expect(await link.resolveParty(tenant, id)).toEqual(party)
  expect(await link.resolveParty(tenant, 'cr_link')).toEqual(party)
  expect(await link.resolveParty(other.tenant, id)).toBeUndefined()
  expect(await link.resolveParty(other.tenant, 'cr_link')).toBeUndefined()
  expect(await link.account(other.tenant, id)).toBeUndefined()
  for (const name of [id, 'cr_link']) {
    for (const _ of [1, 2]) await link.suspend(tenant, name, 'unpaid')
    expect(await link.account(tenant, id)).toMatchObject({ status: 'suspended' })
    for (const _ of [1, 2]) await link.reactivate(tenant, name, 'paid')
    expect(await link.account(tenant, id)).toMatchObject({ status: 'active' })
  }
  // Neither another tenant's account nor a name without one: there are no keys to stop.
  for (const name of [id, 'cr_link', 'cr_nobody']) await link.suspend(other.tenant, name, 'spite')
  expect(await link.account(tenant, id)).toMatchObject({ status: 'active' })
})
