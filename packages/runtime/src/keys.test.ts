import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@tallystick/storage'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { revocationBoundMs } from './caller-cache.ts'
import { systemEntropy } from './entropy.ts'
import { formatSecret, isWellFormedSecret } from './api-key-secret.ts'
import { apiKeys, planRotation } from './api-keys.ts'
import { keyStore } from './keys.ts'

async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'))
  const store = await openStore(`sqlite:${folder}`, { name: 'keys-test', collections: [apiKeys] })
  let time = Date.parse('2026-01-01T00:00:00Z')
  const entropy = systemEntropy(() => new Date(time))
  return { store, folder, entropy, pass: (ms: number) => void (time += ms) }
}

test('a key is found by its secret, with tenant, scopes and mode', async () => {
  const { store, entropy } = await setUp()
  const keys = keyStore(store, { ...entropy, mode: 'live' })
  const { id, secret } = await keys.createKey({ tenant: 'acct_a', scopes: ['audit:read'], mode: 'live' })
  expect(secret).toMatch(/^sk_live_/)
  expect(await keys.authenticate(secret)).toEqual({
    tenant: 'acct_a',
    account: 'acct_a',
    role: 'operator',
    plan: 'standard',
    keyId: id,
    scopes: ['audit:read'],
    livemode: true,
  })
  await store.close()
})

test('a key that is remembered is told at once, until its time or its revocation', async () => {
  const { store, entropy, pass } = await setUp()
  const keys = keyStore(store, { ...entropy, mode: 'test' })
  const { id, secret } = await keys.createKey({ tenant: 'acct_a', scopes: ['audit:read'], mode: 'test' })
  const asked = keys.authenticate(secret)
  expect(asked).toBeInstanceOf(Promise)
  expect(keys.authenticate(`${secret.slice(0, -1)}!`)).toBeInstanceOf(Promise)
  const caller = await asked
  expect(keys.authenticate(secret)).toBe(caller)
  pass(revocationBoundMs)
  const again = keys.authenticate(secret)
  expect(again).toBeInstanceOf(Promise)
  await again
  await keys.revokeKey('acct_a', id)
  expect(await keys.authenticate(secret)).toBeUndefined()
  expect(keys.authenticate(secret)).toBeInstanceOf(Promise)
  await store.close()
})

test('the secret is nowhere in the store', async () => {
  const { store, folder, entropy } = await setUp()
  const { secret } = await keyStore(store, { ...entropy, mode: 'test' }).createKey({
    tenant: 'acct_a',
    scopes: [],
    mode: 'test',
  })
  await store.close()
  for (const file of await readdir(folder)) {
    expect((await readFile(join(folder, file))).includes(secret.slice(8))).toBe(false)
  }
})

test('a key of the other mode is unknown', async () => {
  const { store, entropy } = await setUp()
  const { secret } = await keyStore(store, { ...entropy, mode: 'test' }).createKey({
    tenant: 'acct_a',
    scopes: [],
    mode: 'test',
  })
  expect(await keyStore(store, { ...entropy, mode: 'live' }).authenticate(secret)).toBeUndefined()
  await store.close()
})

test('a revoked key stops here at once, and elsewhere within five seconds', async () => {
  const { store, entropy, pass } = await setUp()
  const here = keyStore(store, { ...entropy, mode: 'test' })
  const elsewhere = keyStore(store, { ...entropy, mode: 'test', cacheMs: 60_000 })
  const { id, secret } = await here.createKey({ tenant: 'acct_a', scopes: [], mode: 'test' })
  expect(await here.authenticate(secret)).toBeDefined()
  expect(await elsewhere.authenticate(secret)).toBeDefined()
  await here.revokeKey('acct_a', id)
  expect(await here.authenticate(secret)).toBeUndefined()
  pass(5001)
  expect(await elsewhere.authenticate(secret)).toBeUndefined()
  await store.close()
})

test('a key ends at its expiry, however recently it was found', async () => {
  const { store, entropy, pass } = await setUp()
  const keys = keyStore(store, { ...entropy, mode: 'test' })
  const expiresAt = new Date(entropy.now().getTime() + 3000)
  const { secret } = await keys.createKey({ tenant: 'acct_a', scopes: [], mode: 'test', expiresAt })
  pass(2999)
  expect(await keys.authenticate(secret)).toBeDefined()
  pass(1)
  expect(await keys.authenticate(secret)).toBeUndefined()
  await keys.settled()
  await store.close()
})

test('after a rotation both secrets work until the overlap ends, and then only the new one', async () => {
  const { store, entropy, pass } = await setUp()
  const keys = keyStore(store, { ...entropy, mode: 'test' })
  const { id, secret } = await keys.createKey({ tenant: 'acct_a', scopes: ['audit:read'], mode: 'test' })
  const found = await store.get(apiKeys, id)
  if (!found) throw new Error('the key is not there')
  const next = formatSecret('test', entropy.random(32))
  const { writes } = planRotation(found, { secret: next, at: entropy.now(), overlapSeconds: 60 })
  await store.commit(writes)
  pass(59_999)
  expect(await keys.authenticate(secret)).toMatchObject({ keyId: id })
  expect(await keys.authenticate(next)).toMatchObject({ tenant: 'acct_a', scopes: ['audit:read'] })
  pass(1)
  expect(await keys.authenticate(secret)).toBeUndefined()
  expect(await keys.authenticate(next)).toBeDefined()
  await keys.settled()
  await store.close()
})

test('the time of use is noted once a minute', async () => {
  const { store, entropy, pass } = await setUp()
  const keys = keyStore(store, { ...entropy, mode: 'test', cacheMs: 0 })
  const { id, secret } = await keys.createKey({ tenant: 'acct_a', scopes: [], mode: 'test' })
  const noted: (number | undefined)[] = []
  const first = entropy.now().getTime()
  for (const ms of [0, 59_999, 1]) {
    pass(ms)
    await keys.authenticate(secret)
    await keys.settled()
    noted.push((await store.get(apiKeys, id))?.lastUsedAt?.getTime())
  }
  expect(noted).toEqual([first, first, first + 60_000])
  await store.close()
})

test('a holder who is refused stops all of their keys, and their role and plan are those of the moment', async () => {
  const { store, entropy, pass } = await setUp()
  let holder: { role: 'creator'; plan: string } | undefined = { role: 'creator', plan: 'large' }
  const keys = keyStore(store, { ...entropy, mode: 'test', holderOf: async () => holder })
  const { secret } = await keys.createKey({ tenant: 'acct_a', account: 'acct_b', scopes: [], mode: 'test' })
  expect(await keys.authenticate(secret)).toMatchObject({ account: 'acct_b', role: 'creator', plan: 'large' })
  holder = undefined
  expect(await keys.verify(secret)).toBeUndefined()
  pass(5000)
  expect(await keys.authenticate(secret)).toBeUndefined()
  await keys.settled()
  await store.close()
})

test('a key of another tenant cannot be revoked, and looks like one that is not there', async () => {
  const { store, entropy } = await setUp()
  const keys = keyStore(store, { ...entropy, mode: 'test' })
  const { id, secret } = await keys.createKey({ tenant: 'acct_a', scopes: [], mode: 'test' })
  const foreign = await keys.revokeKey('acct_b', id).catch((error: Error) => error.message)
  const missing = await keys.revokeKey('acct_b', 'key_none').catch((error: Error) => error.message)
  expect(foreign).toBe(missing)
  expect(await keys.authenticate(secret)).toBeDefined()
  await store.close()
})

test('every secret has its form, and no changed character passes the checksum', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(bytes, fc.nat(48), fc.constantFrom('0', 'a', 'Z'), (entropy, place, letter) => {
      const secret = formatSecret('test', entropy)
      expect(isWellFormedSecret(secret)).toBe(true)
      const changed = secret.slice(0, 8 + place) + letter + secret.slice(9 + place)
      expect(isWellFormedSecret(changed)).toBe(changed === secret)
    }),
  )
})
