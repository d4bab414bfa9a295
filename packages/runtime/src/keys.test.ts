import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@tallystick/storage'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemEntropy } from './entropy.ts'
import { apiKeys, formatSecret, isWellFormedSecret, keyStore } from './keys.ts'

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
