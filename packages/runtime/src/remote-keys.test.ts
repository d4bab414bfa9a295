import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { afterEach, expect, test } from 'vitest'
import type { Caller } from './api.ts'
import { formatSecret } from './api-key-secret.ts'
import { apiKeys } from './api-keys.ts'
import { systemEntropy } from './entropy.ts'
import { keyStore } from './keys.ts'
import { remoteKeys } from './remote-keys.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** A key store behind `GET /v1/api-keys/self` on the loopback interface, on a clock of its own. */
async function identity() {
  const database = await testDatabase()
  cleanups.push(() => database.drop())
  const store = await openStore(database.url, { name: 'remote-keys-test', collections: [apiKeys] })
  cleanups.push(() => store.close())
  let time = Date.parse('2026-01-01T00:00:00Z')
  const entropy = systemEntropy(() => new Date(time))
  const keys = keyStore(store, { ...entropy, mode: 'test' })
  cleanups.push(() => keys.settled())
  const asked = { times: 0 }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const caller = await keys.verify(request.headers.authorization?.replace('Bearer ', '') ?? '')
    response.writeHead(caller ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(caller ? describeKey(caller) : {}))
  }
  const server = createServer((request, response) => {
    asked.times++
    void answer(request, response)
  })
  const url = await listen(server)
  return { keys, store, server, url, asked, now: entropy.now, pass: (ms: number) => void (time += ms) }
}

function describeKey({ keyId, ...caller }: Caller) {
  return { object: 'api_key', id: keyId, ...caller }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => close(server))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

test('a key that identity revoked is refused in every copy after five seconds', async () => {
  const { keys, url, asked, now, pass } = await identity()
  const copies = [remoteKeys({ url, now }), remoteKeys({ url, now, cacheMs: 60_000 })]
  const { id, secret } = await keys.createKey({ tenant: 'acct_a', scopes: ['audit:read'], mode: 'test' })
  for (const copy of copies) expect(await copy.authenticate(secret)).toEqual(await keys.verify(secret))
  await keys.revokeKey('acct_a', id)
  pass(4999)
  expect(await copies[0]?.authenticate(secret)).toMatchObject({ keyId: id })
  expect(asked.times).toBe(2)
  pass(1)
  for (const copy of copies) expect(await copy.authenticate(secret)).toBeUndefined()
})

test('the five seconds begin when the question is sent, not when it is answered', async () => {
  const { keys, url, now, pass, server } = await identity()
  const copy = remoteKeys({ url, now })
  const { id, secret } = await keys.createKey({ tenant: 'acct_a', scopes: [], mode: 'test' })
  server.once('request', () => pass(3000))
  expect(await copy.authenticate(secret)).toBeDefined()
  await keys.revokeKey('acct_a', id)
  pass(1999)
  expect(await copy.authenticate(secret)).toBeDefined()
  pass(1)
  expect(await copy.authenticate(secret)).toBeUndefined()
})

test('when identity is down, what is remembered works until its time is over, and then nothing is decided', async () => {
  const { keys, url, server, now, pass } = await identity()
  const copy = remoteKeys({ url, now })
  const { secret } = await keys.createKey({ tenant: 'acct_a', scopes: [], mode: 'test' })
  expect(await copy.authenticate(secret)).toBeDefined()
  await close(server)
  pass(4999)
  expect(await copy.authenticate(secret)).toBeDefined()
  pass(1)
  await expect(copy.authenticate(secret)).rejects.toMatchObject({ code: 'unavailable' })
})

test('what is no key is refused without asking anyone', async () => {
  const { url, asked, now } = await identity()
  const copy = remoteKeys({ url, now })
  const secret = formatSecret('test', new Uint8Array(32))
  expect(await copy.authenticate(`${secret.slice(0, -1)}!`)).toBeUndefined()
  expect(await copy.authenticate('')).toBeUndefined()
  expect(asked.times).toBe(0)
  expect(await copy.authenticate(secret)).toBeUndefined()
  expect(asked.times).toBe(1)
})
