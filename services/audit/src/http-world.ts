import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountRole, AuditRecord, Scope } from '@tallystick/protocol'
import { apiKeys, createLifecycle, createLog, keyStore, loadConfig, systemEntropy } from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import { readAnswer } from '@tallystick/runtime/test-http'
import type { HttpAnswer } from '@tallystick/runtime/test-http'
import { z } from 'zod'
import { auditConfig } from './config.ts'
import { readKeyFile } from './key-file.ts'
import type { AuditKeys } from './key-file.ts'
import { recordOutcome } from './schemas.ts'
import { startAudit } from './start-audit.ts'
import type { AuditService } from './start-audit.ts'

/** An HTTP answer, read to its end. */
export interface Answer extends HttpAnswer {
  bytes: Uint8Array
}

/** What is sent: GET without a body, POST with one. A `Uint8Array` or text goes as it is, all else as JSON. */
export interface Sent {
  key?: string | undefined
  body?: unknown
  headers?: Record<string, string>
}

/** An audit service that listens on the loopback interface, without chains, in a folder of its own. */
export interface HttpWorld {
  service: AuditService
  url: string
  call(path: string, sent?: Sent): Promise<Answer>
  /** A key of the tenant's operator, or of another account. */
  keyOf(tenant: string, scopes?: Scope[], holder?: { account: string; role: AccountRole }): Promise<string>
  /** Records events, all of which must be new, and gives their receipts. */
  record(key: string, records: Partial<AuditRecord>[]): Promise<z.infer<typeof newOutcome>['receipt'][]>
  close(): Promise<void>
}

const newOutcome = recordOutcome.options[0]

/** Starts an empty service, with keys of its own unless told. */
export async function startHttpWorld(options: { logKeys?: AuditKeys } = {}): Promise<HttpWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'audit-http-'))
  const database = await testDatabase()
  const log = createLog({ name: 'audit-http', level: 'fatal' })
  const lifecycle = createLifecycle({ log, timeoutMs: 10_000 })
  const config = loadConfig(auditConfig, {
    DATABASE_URL: database.url,
    LOG_ORIGIN: 'log.example/http',
    CHECKPOINT_MS: '50',
    LEASE_SECONDS: '1',
    SIGNING_THREADS: '1',
  })
  const keysAt = await openStore(database.url, { name: 'identity-test', collections: [apiKeys] })
  lifecycle.onStop('keys', () => keysAt.close())
  const keys = keyStore(keysAt, { ...systemEntropy(), mode: 'test' })
  const logKeys = options.logKeys ?? readKeyFile(join(folder, 'keys.json'), { create: true })
  const service = await startAudit({ config: { ...config, chains: [] }, keys, logKeys, log, lifecycle })
  const url = await service.server.listen({ host: '127.0.0.1', port: 0 })
  const call = (path: string, sent: Sent = {}) => send(url + path, sent)
  return {
    service,
    url,
    call,
    async keyOf(tenant, scopes = ['audit:read', 'audit:write'], holder) {
      return (await keys.createKey({ tenant, scopes, mode: 'test', ...holder })).secret
    },
    async record(key, records) {
      const body = {
        records: records.map((record) => ({ kind: 'training.usage', actor: 'acct_a', ...record })),
      }
      const answer = await call('/v1/audit/records', { key, body })
      const { data } = readAnswer(z.object({ data: z.array(newOutcome) }), answer)
      return data.map(({ receipt }) => receipt)
    },
    async close() {
      await lifecycle.stop('the test is over')
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function send(url: string, { key, body, headers = {} }: Sent): Promise<Answer> {
  const asIs = typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(url, {
    ...(body !== undefined && {
      method: 'POST',
      body: asIs ? (typeof body === 'string' ? body : Buffer.from(body)) : JSON.stringify(body),
    }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
  })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const { status, headers: told } = response
  const text = Buffer.from(bytes).toString()
  const isJson = told.get('content-type')?.includes('json') === true
  return { status, headers: told, text, bytes, json: isJson ? JSON.parse(text) : undefined }
}
