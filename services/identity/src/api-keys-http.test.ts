import { apiKey, listOf, newApiKey, newTenant, selfApiKey } from '@tallystick/protocol'
import { idempotency, remoteKeys } from '@tallystick/runtime'
import { problemOf, readAnswer } from '@tallystick/runtime/test-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startIdentityWorld } from './identity-world.ts'
import type { IdentityWorld } from './identity-world.ts'

let world: IdentityWorld
beforeAll(async () => void (world = await startIdentityWorld()))
afterAll(() => world.close())

test('a key is made, tells of itself, and is listed without its secret', async () => {
  const { key, call, tenant } = world
  const made = await world.newKey(key, { scopes: ['keys:read', 'keys:read', 'accounts:read'] })
  expect(made.scopes).toEqual(['keys:read', 'accounts:read'])
  const self = readAnswer(selfApiKey, await call('/v1/api-keys/self', { key: made.secret }))
  expect(self).toMatchObject({ id: made.id, tenant, role: 'operator', plan: 'standard', livemode: false })
  const answer = await call('/v1/api-keys', { key: made.secret })
  expect(readAnswer(listOf(apiKey), answer).data.map(({ id }) => id)).toContain(made.id)
  expect(answer.text).not.toContain(made.secret)
  const got = readAnswer(apiKey, await call(`/v1/api-keys/${made.id}`, { key: made.secret }))
  expect(got).toMatchObject({ id: made.id, status: 'active' })
})

test('no key makes or rotates one that can more than itself', async () => {
  const { key, call } = world
  const weak = await world.newKey(key, { scopes: ['keys:write', 'keys:read'] })
  const strong = await world.newKey(key, { scopes: ['admin'] })
  const body = { name: 'more', scopes: ['admin'] }
  const refused = problemOf(await call('/v1/api-keys', { key: weak.secret, body }))
  expect(refused).toMatchObject({ status: 403, detail: 'This key cannot grant the scopes admin' })
  const rotation = await call(`/v1/api-keys/${strong.id}/rotate`, { key: weak.secret, body: {} })
  expect(problemOf(rotation).code).toBe('forbidden')
  const { id } = await world.newAccount(key, 'developer')
  const far = { account: id, name: 'far', scopes: ['platform'] }
  expect((await call('/v1/api-keys', { key, body: far })).status).toBe(403)
})

test('no key that ends makes or rotates one that ends later', async () => {
  const { key, call } = world
  const at = (ms: number) => new Date(world.now().getTime() + ms).toISOString()
  const scopes = ['keys:write' as const]
  const day = 86_400_000
  const lent = await world.newKey(key, { scopes, expires_at: at(day) })
  const lasting = await world.newKey(key, { scopes })
  for (const more of [{}, { expires_at: at(2 * day) }]) {
    const body = { name: 'longer', scopes, ...more }
    expect(problemOf(await call('/v1/api-keys', { key: lent.secret, body })).code).toBe('forbidden')
  }
  const shorter = { name: 'shorter', scopes, expires_at: at(day / 2) }
  expect((await call('/v1/api-keys', { key: lent.secret, body: shorter })).status).toBe(201)
  const foreign = await call(`/v1/api-keys/${lasting.id}/rotate`, { key: lent.secret, body: {} })
  expect(problemOf(foreign).code).toBe('forbidden')
  // Its own rotation keeps its own end; the old secret makes nothing during the overlap.
  const rotation = await call(`/v1/api-keys/${lasting.id}/rotate`, {
    key: lasting.secret,
    body: { overlap_seconds: 600 },
  })
  expect(rotation.status).toBe(201)
  const late = await call('/v1/api-keys', { key: lasting.secret, body: { name: 'late', scopes } })
  expect(problemOf(late).code).toBe('forbidden')
})

test('the first answer comes again with its secret, to the same key alone, and the database cannot tell it', async () => {
  const { key, call } = world
  const twin = await world.newKey(key, { scopes: ['keys:write', 'usage:write'] })
  const sent = {
    key,
    body: { name: 'once', scopes: ['usage:write'] },
    headers: { 'idempotency-key': 'once-key' },
  }
  const [first, second] = [await call('/v1/api-keys', sent), await call('/v1/api-keys', sent)]
  const { secret = '' } = readAnswer(newApiKey, first, 201)
  expect(second.text).toBe(first.text)
  expect(second.headers.get('idempotent-replayed')).toBe('true')
  const foreign = problemOf(await call('/v1/api-keys', { ...sent, key: twin.secret }))
  expect(foreign.code).toBe('idempotency_key_reused')
  expect(await world.service.link.authenticate(secret)).toMatchObject({ scopes: ['usage:write'] })
  let kept = 0
  for await (const { body } of world.service.store.scanAll(idempotency)) {
    expect(Buffer.from(body ?? []).includes('sk_test_')).toBe(false)
    kept++
  }
  expect(kept).toBeGreaterThan(1)
})

test('a rotated key works beside the new one until the overlap ends', async () => {
  const { key, call } = world
  const old = await world.newKey(key, { scopes: ['usage:write'] })
  const body = { overlap_seconds: 60 }
  const fresh = readAnswer(newApiKey, await call(`/v1/api-keys/${old.id}/rotate`, { key, body }), 201)
  expect(fresh).toMatchObject({ replaces: old.id, scopes: old.scopes, name: old.name })
  const self = (secret = '') => call('/v1/api-keys/self', { key: secret })
  expect(readAnswer(selfApiKey, await self(old.secret)).replaced_by).toBe(fresh.id)
  const again = await call(`/v1/api-keys/${old.id}/rotate`, { key, body })
  expect(problemOf(again).code).toBe('invalid_state')
  world.pass(60_000)
  expect((await self(old.secret)).status).toBe(401)
  expect((await self(fresh.secret)).status).toBe(200)
  expect(readAnswer(apiKey, await call(`/v1/api-keys/${old.id}`, { key })).status).toBe('expired')
})

test('a key ends at its expiry, which must lie ahead', async () => {
  const { key, call } = world
  const at = (ms: number) => new Date(world.now().getTime() + ms).toISOString()
  const made = await world.newKey(key, { scopes: ['usage:write'], expires_at: at(60_000) })
  expect((await call('/v1/api-keys/self', { key: made.secret })).status).toBe(200)
  world.pass(60_001)
  expect((await call('/v1/api-keys/self', { key: made.secret })).status).toBe(401)
  const past = { name: 'late', scopes: ['usage:write'], expires_at: at(-1) }
  expect(problemOf(await call('/v1/api-keys', { key, body: past })).errors?.[0]?.pointer).toBe('/expires_at')
})

test('another service refuses a revoked key after five seconds', async () => {
  const { key, call, url } = world
  const copy = remoteKeys({ url, now: world.now })
  const made = await world.newKey(key, { scopes: ['usage:write'] })
  expect(await copy.authenticate(made.secret)).toMatchObject({ keyId: made.id, scopes: ['usage:write'] })
  const revoked = await call(`/v1/api-keys/${made.id}/revoke`, { key, body: { reason: 'leaked' } })
  expect(readAnswer(apiKey, revoked).status).toBe('revoked')
  const again = await call(`/v1/api-keys/${made.id}/revoke`, { key, body: {} })
  expect(readAnswer(apiKey, again).revoked_at).toBe(readAnswer(apiKey, revoked).revoked_at)
  world.pass(5000)
  expect(await copy.authenticate(made.secret)).toBeUndefined()
})

test('keys of another tenant look like keys that are not there; a developer reaches its own alone', async () => {
  const { key, call } = world
  const other = await world.newMarketplace()
  const made = await world.newKey(key, { scopes: ['usage:write'] })
  const { id: developer } = await world.newAccount(key, 'developer')
  const scopes = ['keys:read' as const, 'keys:write' as const]
  const own = await world.newKey(key, { account: developer, scopes })
  const missing = 'key_01kqxq5t8r0000000000000000'
  const routes: [string, object | undefined][] = [
    ['', undefined],
    ['/rotate', {}],
    ['/revoke', {}],
  ]
  for (const asking of [other.key, own.secret]) {
    for (const [path, body] of routes) {
      const sent = { key: asking, ...(body && { body }) }
      const foreign = problemOf(await call(`/v1/api-keys/${made.id}${path}`, sent))
      const absent = problemOf(await call(`/v1/api-keys/${missing}${path}`, sent))
      const bare = (problem: typeof foreign) => ({ ...problem, instance: '', request_id: '' })
      expect(foreign.status).toBe(404)
      expect(bare(foreign)).toEqual(bare(absent))
    }
    const body = { name: 'theirs', scopes: ['keys:read'], account: world.tenant }
    const refused = problemOf(await call('/v1/api-keys', { key: asking, body }))
    expect(refused.code).toBe('reference_not_found')
  }
  const list = readAnswer(listOf(apiKey), await call('/v1/api-keys', { key: own.secret }))
  expect(list.data.map(({ id }) => id)).toEqual([own.id])
})

test('a key with the scope platform founds a marketplace that has nothing to do with its own', async () => {
  const { key, call } = world
  const body = { name: 'Second Market', country: 'FR' }
  const made = readAnswer(newTenant, await call('/v1/tenants', { key, body }), 201)
  const first = made.api_key.secret ?? ''
  const self = readAnswer(selfApiKey, await call('/v1/api-keys/self', { key: first }))
  expect(self).toMatchObject({ tenant: made.id, account: made.id, role: 'operator' })
  expect(self.scopes).not.toContain('platform')
  expect((await call(`/v1/accounts/${made.id}`, { key })).status).toBe(404)
  expect((await call('/v1/tenants', { key: first, body })).status).toBe(403)
})

test('a service’s key acts for the tenant that it names', async () => {
  const { key, call, tenant, service } = world
  const { id } = await world.newAccount(key, 'creator', { external_id: 'cr_named' })
  const { secret } = await service.deps.keys.createKey({ tenant, scopes: ['service'], mode: 'test' })
  const other = await world.newMarketplace()
  const ask = (named: string) =>
    call('/v1/accounts?external_id=cr_named', { key: secret, headers: { 'tallystick-tenant': named } })
  expect((await ask(tenant)).text).toContain(id)
  expect((await ask(other.tenant)).text).not.toContain(id)
})
