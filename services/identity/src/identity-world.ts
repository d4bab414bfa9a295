import { randomUUID } from 'node:crypto'
import { account, newApiKey } from '@tallystick/protocol'
import type { Account, AccountRole, AuditRecord, NewApiKey, Scope } from '@tallystick/protocol'
import { createLifecycle, createLog, formatSecret, loadConfig, systemEntropy } from '@tallystick/runtime'
import { readAnswer, recordingSink, sendHttp } from '@tallystick/runtime/test-http'
import type { HttpAnswer, HttpSent } from '@tallystick/runtime/test-http'
import { testDatabase } from '@tallystick/storage/test-database'
import { identityConfig } from './config.ts'
import { foundTenant, operatorScopes } from './found-tenant.ts'
import { startIdentity } from './start-identity.ts'
import type { IdentityService } from './start-identity.ts'

/** A marketplace with its operator's key. */
export interface Marketplace {
  tenant: string
  /** Carries all scopes of an operator, and `platform`. */
  key: string
}

/** An identity service that listens on the loopback interface, on a clock of its own, with one marketplace. */
export interface IdentityWorld extends Marketplace {
  service: IdentityService
  url: string
  /** GET without a body, POST with one; each POST under a fresh idempotency key unless the headers name one. */
  call(path: string, sent?: HttpSent): Promise<HttpAnswer>
  newMarketplace(): Promise<Marketplace>
  newAccount(key: string, role: AccountRole, more?: object): Promise<Account>
  newKey(
    key: string,
    body: { account?: string; scopes: Scope[]; expires_at?: string },
  ): Promise<NewApiKey & { secret: string }>
  pass(ms: number): void
  now(): Date
  /** What the audit service got so far. */
  recorded(tenant: string): readonly AuditRecord[]
  close(): Promise<void>
}

/** Starts an empty service in test mode. */
export async function startIdentityWorld(): Promise<IdentityWorld> {
  const database = await testDatabase()
  const log = createLog({ name: 'identity-world', level: 'fatal' })
  const lifecycle = createLifecycle({ log, timeoutMs: 10_000 })
  const config = loadConfig(identityConfig, { DATABASE_URL: database.url, LEASE_SECONDS: '1' })
  let ahead = 0
  const entropy = systemEntropy(() => new Date(Date.now() + ahead))
  const { sink, recorded } = recordingSink()
  const service = await startIdentity({ config, sink, log, lifecycle, entropy })
  const url = await service.server.listen({ host: '127.0.0.1', port: 0 })

  const call = (path: string, { headers, ...sent }: HttpSent = {}) =>
    sent.body === undefined
      ? sendHttp('GET', url + path, { ...sent, headers })
      : sendHttp('POST', url + path, { ...sent, headers: { 'idempotency-key': randomUUID(), ...headers } })
  async function newMarketplace(): Promise<Marketplace> {
    const secret = formatSecret('test', entropy.random(32))
    const scopes: Scope[] = [...operatorScopes, 'platform']
    const { writes, answer } = foundTenant(service.deps, { name: 'Market', scopes }, secret)
    await service.store.commit(writes)
    return { tenant: answer.account.id, key: secret }
  }
  return {
    ...(await newMarketplace()),
    service,
    url,
    call,
    newMarketplace,
    async newAccount(key, role, more = {}) {
      const answer = await call('/v1/accounts', { key, body: { role, name: `a ${role}`, ...more } })
      return readAnswer(account, answer, 201)
    },
    async newKey(key, body) {
      const answer = await call('/v1/api-keys', { key, body: { name: 'a key', ...body } })
      return readAnswer(newApiKey.required({ secret: true }), answer, 201)
    },
    pass: (ms) => void (ahead += ms),
    now: entropy.now,
    recorded,
    async close() {
      await lifecycle.stop('the test is over')
      await database.drop()
    },
  }
}
