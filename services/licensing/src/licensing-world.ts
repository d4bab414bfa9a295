import type { AccountRole, AuditRecord, Scope } from '@tallystick/protocol'
import { scopes } from '@tallystick/protocol'
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import { problemDocument } from '@tallystick/runtime'
import type { AuditSink, Entropy, ProblemDocument } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { z } from 'zod'
import { licensingConfig } from './config.ts'
import type { AuditErasure, BodySelection, Party } from './deps.ts'
import { startLicensing } from './start-licensing.ts'
import type { LicensingService } from './start-licensing.ts'

/** An HTTP answer, read to its end. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The parsed body, when it is JSON. */
  json: unknown
}

/** What is sent. Text, bytes and streams go as they are, all else as JSON. */
export interface Sent {
  key?: string | undefined
  body?: unknown
  headers?: Record<string, string>
}

/** A licensing service that listens on the loopback interface, with a database of its own. */
export interface LicensingWorld {
  service: LicensingService
  url: string
  call(method: string, path: string, sent?: Sent): Promise<Answer>
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
    call: (method, path, sent = {}) => send(method, url + path, sent),
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

/** An audit service in memory: records each event id of a tenant once, refuses it for other content. */
function recordingSink(): { sink: AuditSink; recorded(tenant: string): readonly AuditRecord[] } {
  const byTenant = new Map<string, Map<string, AuditRecord>>()
  const sink: AuditSink = {
    async record(tenant, records) {
      const known = byTenant.get(tenant) ?? new Map<string, AuditRecord>()
      byTenant.set(tenant, known)
      return records.map((record) => {
        const { event } = record
        const before = known.get(event)
        if (!before) {
          known.set(event, record)
          return { status: 'recorded', event }
        }
        if (JSON.stringify(before) === JSON.stringify(record)) return { status: 'duplicate', event }
        return { status: 'refused', event, error: { code: 'event_conflict', detail: 'other content' } }
      })
    },
  }
  return { sink, recorded: (tenant) => [...(byTenant.get(tenant)?.values() ?? [])] }
}

/** The audit service's side of erasures, without bodies: it takes down what it is asked, and answers in pages of one. */
function recordingErasure(): { erasure: AuditErasure; erasures(tenant: string): readonly BodySelection[] } {
  const byTenant = new Map<string, BodySelection[]>()
  const erasure: AuditErasure = {
    async eraseBodies(tenant, selection) {
      const asked = byTenant.get(tenant) ?? []
      byTenant.set(tenant, asked)
      asked.push(selection)
      const second = selection.after !== undefined
      return second ? { erased: 1, ids: ['aud_3'] } : { erased: 2, ids: ['aud_1', 'aud_2'], next: 'second' }
    },
  }
  return { erasure, erasures: (tenant) => byTenant.get(tenant) ?? [] }
}

/** The JSON of an answer with `status` in its documented shape. Throws for any other answer. */
export function read<T extends z.ZodType>(schema: T, answer: Answer, status = 200): z.output<T> {
  if (answer.status !== status) throw new Error(`status ${answer.status}: ${answer.text}`)
  return schema.parse(answer.json)
}

/** The problem document of a refusal. Throws when the answer is none. */
export function problemOf(answer: Answer): ProblemDocument {
  const type = answer.headers.get('content-type') ?? ''
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${answer.status} ${type}: ${answer.text}`)
  return problemDocument.parse(answer.json)
}

/** Asks again until there is an answer, for 15 seconds at most. */
export async function until<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 15_000
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error('it did not come within 15 s')
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, 20)
    await promise
  }
}

async function send(method: string, url: string, { key, body, headers = {} }: Sent): Promise<Answer> {
  const asIs = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
  const sent = asIs ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body)
  const response = await fetch(url, {
    method,
    ...(body !== undefined && { body: sent, duplex: 'half' }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  }
}
