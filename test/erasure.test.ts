import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { verifyEvidence } from '@tallystick/evidence'
import type { Scope } from '@tallystick/protocol'
import {
  apiKeys,
  createLifecycle,
  createLog,
  idempotency,
  keyStore,
  loadConfig,
  systemEntropy,
} from '@tallystick/runtime'
import { openStore, remove } from '@tallystick/storage'
import { testDatabase } from '@tallystick/storage/test-database'
import type { TestDatabase } from '@tallystick/storage/test-database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { auditConfig, readKeyFile, startAudit } from '../services/audit/src/index.ts'
import { licensingConfig, startLicensing } from '../services/licensing/src/index.ts'
import type { AuditErasure } from '../services/licensing/src/index.ts'

const log = createLog({ name: 'erasure', level: 'fatal' })
const lifecycle = createLifecycle({ log, timeoutMs: 10_000 })
const entropy = systemEntropy()
const tenant = entropy.newId('account')
const subject = 'cr_private'
const keysSchema = z.object({ log: z.object({ key: z.string() }), jwks: z.custom<{ keys: [] }>() })
let clean: () => Promise<void>
let database: TestDatabase
let licensing: string
let audit: string
let key: string
let auditKey: string

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'erasure-'))
  database = await testDatabase()
  clean = async () => {
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  }
  const common = { DATABASE_URL: database.url, LEASE_SECONDS: '1' }
  const config = loadConfig(auditConfig, {
    ...common,
    LOG_ORIGIN: 'log.example/erasure',
    CHECKPOINT_MS: '50',
  })
  const logKeys = readKeyFile(join(folder, 'keys.json'), { create: true })
  const keysAt = await openStore(database.url, { name: 'keys', collections: [apiKeys] })
  lifecycle.onStop('keys', () => keysAt.close())
  const keys = keyStore(keysAt, { ...entropy, mode: 'test' })
  const recorder = await startAudit({ config: { ...config, chains: [] }, keys, logKeys, log, lifecycle })
  audit = await recorder.server.listen({ host: '127.0.0.1', port: 0 })
  auditKey = await keyWith('audit:read', 'audit:write', 'service')
  key = await keyWith('catalog:read', 'catalog:write', 'privacy:write')
  async function keyWith(...scopes: Scope[]): Promise<string> {
    return (await keys.createKey({ tenant, scopes, mode: 'test' })).secret
  }
  const service = await startLicensing({
    config: loadConfig(licensingConfig, common),
    keys,
    sink: {
      record: async (_, records) =>
        z
          .object({
            data: z.array(z.object({ status: z.enum(['recorded', 'duplicate']), event: z.string() })),
          })
          .parse(await post(audit, '/v1/audit/records', auditKey, { records })).data,
    },
    identity: { resolveParty: async () => undefined },
    erasure: { eraseBodies },
    log,
    lifecycle,
  })
  licensing = await service.server.listen({ host: '127.0.0.1', port: 0 })
})

afterAll(async () => {
  await lifecycle.stop('the test is over')
  await clean()
})

/** The erasure link over HTTP, as it stands between the services in production. */
const eraseBodies: AuditErasure['eraseBodies'] = async (of, selection) => {
  const { before, keepLicenses, keepItems, dryRun, ...rest } = selection
  const page = z.object({
    erased: z.number(),
    ids: z.array(z.string()),
    records: z.array(z.object({ id: z.string(), licenses: z.array(z.string()) })).optional(),
    next: z.string().optional(),
  })
  return page.parse(
    await post(audit, '/v1/audit/erasures', auditKey, {
      tenant: of,
      ...rest,
      ...(before && { before: before.toISOString() }),
      keep_licenses: keepLicenses,
      keep_items: keepItems,
      ...(dryRun !== undefined && { dry_run: dryRun }),
    }),
  )
}

async function post(url: string, path: string, secret: string, body: unknown): Promise<unknown> {
  return answerOf(
    await fetch(url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${secret}`,
        'idempotency-key': entropy.newId('request'),
      },
      body: JSON.stringify(body),
    }),
  )
}

async function get(url: string, path: string, secret: string): Promise<unknown> {
  return answerOf(await fetch(url + path, { headers: { authorization: `Bearer ${secret}` } }))
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  return JSON.parse(text)
}

async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 120_000
  for (;;) {
    const found = await ask().catch(() => undefined)
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error('it did not come within two minutes')
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, 50)
    await promise
  }
}

test('an erased consent leaves a receipt that still proves that it was recorded, and no word of whose it was', async () => {
  const hash = `sha256:${'ab'.repeat(32)}`
  await post(licensing, '/v1/items', key, { hash, creators: [subject] })
  const granted = z
    .object({ audit_id: z.string() })
    .parse(await post(licensing, '/v1/consents', key, { subject, purposes: ['train'], items: [hash] }))
  const recorded = z.object({ receipt: z.string(), body: z.object({ event: z.string() }).optional() })
  const path = `/v1/audit/${granted.audit_id}`
  const before = await until(async () => recorded.parse(await get(audit, path, auditKey)))
  expect(before.body?.event).toContain(subject)

  const files = databaseFiles()
  const holding = await Promise.all(files.map((file) => isInFile(file, subject)))
  expect(holding.includes(true)).toBe(files.length > 0)

  const body = { type: 'erase', subject }
  const { id } = z
    .object({ id: z.string() })
    .parse(await post(licensing, '/v1/data-subject-requests', key, body))
  const completed = z.object({ status: z.literal('completed'), audit_id: z.string(), outcome: z.unknown() })
  const done = await until(async () => {
    const found = completed.safeParse(await get(licensing, `/v1/data-subject-requests/${id}`, key))
    return found.data
  })
  expect(done.outcome).toMatchObject({ erased: { consent: 1, item: 1 } })

  const after = recorded.parse(await get(audit, path, auditKey))
  expect(after).toMatchObject({ receipt: before.receipt })
  expect(after.body).toBeUndefined()
  const evidence = await get(audit, `${path}/evidence`, auditKey)
  const trusted = keysSchema.parse(await get(audit, '/v1/keys', auditKey))
  const verdict = await verifyEvidence(evidence, { jwks: trusted.jwks, logKey: trusted.log.key })
  expect(verdict.level).toBe('LOGGED')

  const certificate = await until(async () =>
    recorded.parse(await get(audit, `/v1/audit/${done.audit_id}`, auditKey)),
  )
  expect(certificate.body?.event).toContain('"certificate"')
  expect(certificate.body?.event).not.toContain(subject)
  await withoutKeptAnswers('licensing-test')
  for (const file of files) expect(await isInFile(file, subject), file).toBe(false)
})

/** Does what time does: answers for repeated requests, which hold what was sent, go after two days. */
async function withoutKeptAnswers(name: string): Promise<void> {
  const store = await openStore(database.url, { name, collections: [idempotency] })
  for await (const { id } of store.scanAll(idempotency)) await store.commit([remove(idempotency, id)])
  await store.close()
}

/** The SQLite files of the services; none where the tests run on another database. */
function databaseFiles(): string[] {
  if (!database.url.startsWith('sqlite:')) return []
  const folder = database.url.slice('sqlite:'.length)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.db'))
    .map((name) => join(folder, name))
}

/** Whether a text stands anywhere in the bytes of a database or its log, once the log was emptied into it. */
async function isInFile(file: string, text: string): Promise<boolean> {
  const db = new DatabaseSync(file, { timeout: 10_000 })
  await until(async () => {
    const row = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    return row?.['busy'] === 0 ? true : undefined
  })
  db.close()
  return [file, `${file}-wal`].some((one) => existsSync(one) && readFileSync(one).includes(text))
}
