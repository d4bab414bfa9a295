import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scopes } from '@tallystick/protocol'
import type { AccountRole, AuditRecord, Scope } from '@tallystick/protocol'
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import type { Entropy } from '@tallystick/runtime'
import { recordingSink, sendHttp } from '@tallystick/runtime/test-http'
import type { HttpAnswer, HttpSent } from '@tallystick/runtime/test-http'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { billingConfig } from './config.ts'
import type { LicenseCharge, RightsAnswer, UseInQuestion } from './links.ts'
import { startBilling } from './start-billing.ts'
import type { BillingService } from './start-billing.ts'

/** A billing service that listens on the loopback interface, with a database of its own. */
export interface BillingWorld {
  service: BillingService
  url: string
  /** Where letters are written. */
  mail: string
  call(method: string, path: string, sent?: HttpSent): Promise<HttpAnswer>
  /** POST with a fresh idempotency key unless the headers name one. */
  post(path: string, key: string, body: unknown, headers?: Record<string, string>): Promise<HttpAnswer>
  /** A key of a marketplace, of the tenant's founding operator with all scopes unless told. */
  keyOf(holder: {
    tenant: string
    role?: AccountRole
    account?: string
    /** The tenant's own name for the account. */
    reference?: string
    scopes?: readonly Scope[]
  }): Promise<string>
  /** What licensing says of uses; everything is permitted unless told. */
  rights: {
    answer(question: UseInQuestion): RightsAnswer
    revoked: string[]
    /** What licensing says of licenses, by id, and whose each is. */
    charges: Map<string, LicenseCharge & { buyer: string }>
  }
  /** Accounts whose keys are suspended. */
  suspended: Set<string>
  /** What the audit service got so far, in order. */
  recorded(tenant: string): readonly AuditRecord[]
  close(): Promise<void>
}

const everyScope = (Object.keys(scopes) as Scope[]).filter((one) => one !== 'platform' && one !== 'service')

/** Starts an empty service in test mode. `entropy` replaces the machine's clock, ids or randomness. */
export async function startBillingWorld(
  options: { entropy?: Partial<Entropy>; env?: Record<string, string> } = {},
): Promise<BillingWorld> {
  const database = await testDatabase()
  const mail = mkdtempSync(join(tmpdir(), 'billing-mail-'))
  const log = createLog({ name: 'billing-world', level: 'fatal' })
  const lifecycle = createLifecycle({ log, timeoutMs: 10_000 })
  const config = loadConfig(billingConfig, {
    DATABASE_URL: database.url,
    LEASE_SECONDS: '1',
    MAIL_DIR: mail,
    ...options.env,
  })
  const entropy = { ...systemEntropy(), ...options.entropy }
  const keysAt = await openStore(database.url, { name: 'identity-test', collections: [apiKeys] })
  lifecycle.onStop('keys', () => keysAt.close())
  const references = new Map<string, string>()
  const keys = keyStore(keysAt, {
    ...systemEntropy(),
    mode: 'test',
    holderOf: async ({ role, plan, account }) => ({ role, plan, reference: references.get(account) }),
  })
  const audit = recordingSink()
  const rights: BillingWorld['rights'] = {
    answer: () => ({ permitted: true, code: 'license_active' }),
    revoked: [],
    charges: new Map(),
  }
  const suspended = new Set<string>()
  const service = await startBilling({
    config,
    keys,
    sink: audit.sink,
    rights: {
      check: async (_tenant, questions) => questions.map((question) => rights.answer(question)),
      charges: async (_tenant, questions) =>
        questions.map(({ license, customer }) => {
          const found = rights.charges.get(license)
          return customer === undefined || found?.buyer === customer ? found : undefined
        }),
      revoke: async (_tenant, license) => void rights.revoked.push(license),
    },
    accounts: {
      suspend: async (_tenant, account) => void suspended.add(account),
      reactivate: async (_tenant, account) => void suspended.delete(account),
    },
    log,
    lifecycle,
    entropy,
  })
  const url = await service.server.listen({ host: '127.0.0.1', port: 0 })
  const call = (method: string, path: string, sent?: HttpSent) => sendHttp(method, url + path, sent)
  return {
    service,
    url,
    mail,
    call,
    post: (path, key, body, headers) =>
      call('POST', path, { key, body, headers: { 'idempotency-key': crypto.randomUUID(), ...headers } }),
    async keyOf({ tenant, role = 'operator', account = tenant, reference, scopes: granted = everyScope }) {
      if (reference !== undefined) references.set(account, reference)
      return (await keys.createKey({ tenant, role, account, scopes: granted, mode: 'test' })).secret
    },
    rights,
    suspended,
    recorded: audit.recorded,
    async close() {
      await lifecycle.stop('the test is over')
      await database.drop()
      rmSync(mail, { recursive: true, force: true })
    },
  }
}
