import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditRecord, Scope } from '@tallystick/protocol'
import {
  apiKeys,
  createLifecycle,
  createLog,
  keyStore,
  loadConfig,
  problemDocument,
  systemEntropy,
} from '@tallystick/runtime'
import { openStore } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { ProblemDocument } from '@tallystick/runtime'
import { z } from 'zod'
import { auditConfig } from './config.ts'
import { readKeyFile } from './key-file.ts'
import { recordOutcome } from './schemas.ts'
import { startAudit } from './start-audit.ts'
import type { AuditService } from './start-audit.ts'

/** An HTTP answer, read to its end. */
export interface Answer {
  status: number
  headers: Headers
  text: string
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
  keyOf(tenant: string, scopes?: Scope[]): Promise<string>
  /** Records events, all of which must be new, and gives their receipts. */
  record(key: string, records: Partial<AuditRecord>[]): Promise<z.infer<typeof newOutcome>['receipt'][]>
  close(): Promise<void>
}

const newOutcome = recordOutcome.options[0]

/** Starts an empty service. */
export async function startHttpWorld(): Promise<HttpWorld> {
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
  const logKeys = readKeyFile(join(folder, 'keys.json'), { create: true })
  const service = await startAudit({ config: { ...config, chains: [] }, keys, logKeys, log, lifecycle })
  const url = await service.server.listen({ host: '127.0.0.1', port: 0 })
  const call = (path: string, sent: Sent = {}) => send(url + path, sent)
  return {
    service,
    url,
    call,
    async keyOf(tenant, scopes = ['audit:read', 'audit:write']) {
      return (await keys.createKey({ tenant, scopes, mode: 'test' })).secret
    },
    async record(key, records) {
      const body = {
        records: records.map((record) => ({ kind: 'training.usage', actor: 'acct_a', ...record })),
      }
      const answer = await call('/v1/audit/records', { key, body })
      const { data } = read(z.object({ data: z.array(newOutcome) }), answer)
      return data.map(({ receipt }) => receipt)
    },
    async close() {
      await lifecycle.stop('the test is over')
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The JSON of a 200 answer in its documented shape. Throws for any other answer. */
export function read<T extends z.ZodType>(schema: T, answer: Answer): z.output<T> {
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.text}`)
  return schema.parse(JSON.parse(answer.text))
}

/** The problem document of a refusal. Throws when the answer is none. */
export function problemOf(answer: Answer): ProblemDocument {
  const type = answer.headers.get('content-type') ?? ''
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${answer.status} ${type}: ${answer.text}`)
  return problemDocument.parse(JSON.parse(answer.text))
}

/** Asks again until there is an answer, for 15 seconds at most. */
export async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
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
  return { status: response.status, headers: response.headers, text: Buffer.from(bytes).toString(), bytes }
}
