import type { AccountRole, AuditRecord, Scope } from '@tallystick/protocol'
import { scopes } from '@tallystick/protocol'
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import type { Entropy } from '@tallystick/runtime'
import { recordingSink, sendHttp } from '@tallystick/runtime/test-http'
import type { HttpAnswer, HttpSent } from '@tallystick/runtime/test-http'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { licensingConfig } from './config.ts'
import type { AuditErasure, BodySelection, Party } from './deps.ts'
import { startLicensing } from './start-licensing.ts'
import type { LicensingService } from './start-licensing.ts'

/** A licensing service that listens on the loopback interface, with a database of its own. */
export interface LicensingWorld {
  service: LicensingService
  url: string
  call(method: string, path: string, sent?: HttpSent): Promise<HttpAnswer>
  /** A key with all scopes of a marketplace, of the tenant's founding operator unless told. */
  keyOf(holder: {
    tenant: string
    role?: AccountRole
    account?: string
    scopes?: readonly Scope[]
  }): Promise<string>
  /** Makes `reference` the tenant's own name for an account, as the identity service would tell. */
  nameAccount(tenant: string, account: string, reference: string): void
  /** What the audit service got so far, in order. */
  recorded(tenant: string): readonly AuditRecord[]
  /** What the audit service was asked to erase so far, in order. */
  erasures(tenant: string): readonly BodySelection[]
  close(): Promise<void>
}

const everyScope = (Object.keys(scopes) as Scope[]).filter((one) => one !== 'platform' && one !== 'service')

/** Starts an empty service in test mode. `entropy` replaces the machine's clock, ids or randomness. */
export async function startLicensingWorld(
  options: { entropy?: Partial<Entropy> } = {},
): Promise<LicensingWorld> {
  const database = await testDatabase()
  const log = createLog({ name: 'licensing-world', level: 'fatal' })
  const lifecycle = createLifecycle({ log, timeoutMs: 10_000 })
  const config = loadConfig(licensingConfig, { DATABASE_URL: database.url, LEASE_SECONDS: '1' })
  const entropy = { ...systemEntropy(), ...options.entropy }
  const keysAt = await openStore(database.url, { name: 'identity-test', collections: [apiKeys] })
  lifecycle.onStop('keys', () => keysAt.close())
  const keys = keyStore(keysAt, { ...entropy, mode: 'test' })
  const parties = new Map<string, Party>()
  const audit = recordingSink()
  const identity = { resolveParty: async (tenant: string, name: string) => parties.get(`${tenant} ${name}`) }
  const { sink } = audit
  const forgotten = recordingErasure()
  const { erasure } = forgotten
  const service = await startLicensing({ config, keys, sink, identity, erasure, log, lifecycle, entropy })
  const url = await service.server.listen({ host: '127.0.0.1', port: 0 })
  return {
    service,
    url,
    call: (method, path, sent = {}) => sendHttp(method, url + path, sent),
    async keyOf({ tenant, role = 'operator', account = tenant, scopes: granted = everyScope }) {
      return (await keys.createKey({ tenant, role, account, scopes: granted, mode: 'test' })).secret
    },
    nameAccount(tenant, account, reference) {
      for (const name of [account, reference]) parties.set(`${tenant} ${name}`, { account, reference })
    },
    recorded: audit.recorded,
    erasures: forgotten.erasures,
    async close() {
      await lifecycle.stop('the test is over')
      await database.drop()
    },
  }
}

/** The audit service's side of erasures, without bodies: it takes down what it is asked, and answers in pages of one. */
function recordingErasure(): { erasure: AuditErasure; erasures(tenant: string): readonly BodySelection[] } {
  const byTenant = new Map<string, BodySelection[]>()
  const erasure: AuditErasure = {
    async eraseBodies(tenant, selection) {
      const asked = byTenant.get(tenant) ?? []
      byTenant.set(tenant, asked)
      asked.push(selection)
      const { after, ids = after === undefined ? ['aud_1', 'aud_2'] : ['aud_3'] } = selection
      const records = ids.map((id) => ({ id, licenses: [] }))
      const more = after === undefined && selection.ids === undefined
      return { erased: ids.length, ids, records, ...(more && { next: 'second' }) }
    },
  }
  return { erasure, erasures: (tenant) => byTenant.get(tenant) ?? [] }
}
