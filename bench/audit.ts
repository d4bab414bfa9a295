import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyEvidence } from '@tallystick/evidence'
import { measureGas } from '../contracts/gas.ts'
import { startAuditChild, startBareChild } from './child-process.ts'
import type { Child } from './child-process.ts'
import type { Listening } from './audit-child.ts'
import { fillLog } from './fill-log.ts'
import { httpLoad } from './http-load.ts'
import { ingestBatches, ingestSingles, post, readAnswer, sequenced } from './ingest.ts'
import type { Recorded } from './ingest.ts'
import { rateOf, timed } from './measure.ts'
import type { Measures } from './measure.ts'
import { proofCosts, proveByHash, proveById } from './prove.ts'
import { rawLimits } from './raw-limits.ts'
import type { RawLimits } from './raw-limits.ts'
import { sampleRecord } from './sample-records.ts'

/** How large a run is. */
export interface AuditBenchOptions {
  /** Receipts through HTTP. */
  receipts: number
  /** Log sizes at which proofs are measured. */
  sizes: readonly number[]
  seconds: number
}

const origin = 'bench.local/log'

/** Everything that the audit service promises about speed, beside what the machine can do at most. */
export async function benchAudit(measures: Measures, options: AuditBenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  try {
    const limits = await rawLimits(measures, { leaves: Math.min(options.receipts, 100_000), folder })
    await benchBareHttp(measures, options.seconds)
    await benchService(measures, limits, options, subfolder(folder, 'ingest'))
    await benchGas(measures)
    for (const size of options.sizes) {
      await benchLog(measures, {
        size,
        seconds: options.seconds,
        directory: subfolder(folder, `log-${size}`),
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function benchBareHttp(measures: Measures, seconds: number): Promise<void> {
  await using bare = await startBareChild()
  const { rate, p99 } = await httpLoad(bare.told.url, [{ path: '/' }], seconds)
  measures.add({
    group: 'raw limits',
    name: 'bare Fastify GET, 32 connections',
    value: rate,
    unit: 'requests/s',
    note: `p99 ${p99} ms`,
  })
}

async function benchService(
  measures: Measures,
  limits: RawLimits,
  { receipts: count, seconds }: AuditBenchOptions,
  directory: string,
): Promise<void> {
  const group = 'ingestion'
  await using service = await startAuditChild(directory, origin)
  await ingestBatches(service, 2000)
  const rssBefore = await service.rss()
  const diskBefore = diskBytes(directory)
  const batches = await ingestBatches(service, count)
  const against = 'jose signing'
  const durable = count / batches.durableSeconds
  measures.add({
    group,
    name: 'batches of 1,000: signed and durable',
    value: durable,
    unit: 'receipts/s',
    ratio: durable / limits.joseSignRate,
    against,
  })
  const placed = count / batches.sequencedSeconds
  measures.add({
    group,
    name: 'batches of 1,000: signed, durable and sequenced',
    value: placed,
    unit: 'receipts/s',
    ratio: placed / limits.joseSignRate,
    against,
    goal: 0.3,
  })
  measures.add({
    group,
    name: 'the same beside the SQLite insert loop',
    value: placed,
    unit: 'receipts/s',
    ratio: placed / limits.sqliteInsertRate,
    against: 'SQLite inserts',
  })
  measures.add({
    group,
    name: 'disk of an entry, its receipt and its indexes',
    value: (diskBytes(directory) - diskBefore) / count,
    unit: 'bytes',
  })
  const rssAfter = await service.rss()
  measures.add({
    group,
    name: 'resident memory of the service afterwards',
    value: rssAfter / 2 ** 20,
    unit: 'MiB',
    note: `${Math.round((rssAfter - rssBefore) / count)} bytes an entry over the run`,
  })
  const singles = await ingestSingles(service, Math.max(2000, count / 5))
  measures.add({
    group,
    name: 'singles, 32 in flight: signed and durable',
    value: singles.rate,
    unit: 'receipts/s',
    note: `p50 ${singles.p50} ms, p99 ${singles.p99} ms`,
  })
  measures.add({
    group,
    name: 'singles, 32 in flight: signed, durable and sequenced',
    value: singles.sequencedRate,
    unit: 'receipts/s',
    ratio: singles.sequencedRate / limits.joseSignRate,
    against,
  })
  await benchOwnProofs(measures, service, { receipts: batches.receipts, seconds })
}

async function benchOwnProofs(
  measures: Measures,
  service: Child<Listening>,
  { receipts, seconds }: { receipts: readonly Recorded[]; seconds: number },
): Promise<void> {
  const { asked: proofs, bareRate } = await proveById(service, receipts, seconds)
  measures.add({
    group: 'proofs',
    name: `GET proof by id, log of ${receipts.length} receipts`,
    value: proofs.rate,
    unit: 'requests/s',
    ratio: proofs.rate / bareRate,
    against: `GET /livez (${Math.round(bareRate)}/s)`,
    goal: 0.5,
    note: `p50 ${proofs.p50} ms, p99 ${proofs.p99} ms`,
  })
  const answer = await fetch(`${service.told.url}/v1/audit/evidence`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ receipt: receipts[0]?.receipt }),
  })
  const bundle = await answer.text()
  const policy = { logKey: service.told.logKey }
  const { level, grade } = await verifyEvidence(bundle, policy)
  if (!answer.ok || level !== 'LOGGED') throw new Error(`evidence is graded ${grade}`)
  const rate = await rateOf(() => verifyEvidence(bundle, policy), { seconds })
  measures.add({
    group: 'evidence',
    name: 'bundle verified from its text, one thread',
    value: rate,
    unit: 'bundles/s',
    note: `${bundle.length} characters, signature, inclusion and head`,
  })
}

async function benchLog(
  measures: Measures,
  { size, seconds, directory }: { size: number; seconds: number; directory: string },
): Promise<void> {
  const group = `log of ${size}`
  const sequencing = await fillLog(directory, origin, size)
  measures.add({
    group,
    name: 'sequenced, without HTTP and signing',
    value: size / sequencing,
    unit: 'entries/s',
  })
  measures.add({
    group,
    name: 'disk of an entry, without its receipt',
    value: diskBytes(directory) / size,
    unit: 'bytes',
  })
  const costs = await proofCosts(directory, origin, size)
  measures.add({ group, name: 'proof length', value: costs.hashes, unit: 'hashes' })
  measures.add({
    group,
    name: 'proof from stored tiles, kept ones in memory',
    value: costs.proveMicros,
    unit: 'µs',
  })
  measures.add({ group, name: 'proof checked', value: costs.checkMicros, unit: 'µs' })
  {
    await using service = await startAuditChild(directory, origin)
    const { asked: proofs, bareRate } = await proveByHash(service, size, seconds)
    measures.add({
      group,
      name: 'proof requests by hash',
      value: proofs.rate,
      unit: 'requests/s',
      ratio: proofs.rate / bareRate,
      against: `GET /livez (${Math.round(bareRate)}/s)`,
      goal: 0.5,
      note: `p50 ${proofs.p50} ms, p99 ${proofs.p99} ms`,
    })
    measures.add({
      group,
      name: 'resident memory of the service',
      value: (await service.rss()) / 2 ** 20,
      unit: 'MiB',
    })
    await service.kill()
  }
  await benchRecovery(measures, { group, directory })
}

/** After a `kill -9`: the lease of the dead process (1 s here) must run out before the sequencer goes on. */
async function benchRecovery(
  measures: Measures,
  { group, directory }: { group: string; directory: string },
): Promise<void> {
  const { seconds, result: service } = await timed(() => startAuditChild(directory, origin))
  await using recovered = service
  const ready = await fetch(`${recovered.told.url}/readyz`)
  if (!ready.ok) throw new Error(`the service is not ready after a crash: ${ready.status}`)
  measures.add({
    group,
    name: 'start after kill -9 until ready',
    value: recovered.told.startMs,
    unit: 'ms',
    note: `${Math.round(seconds * 1000)} ms with the start of Node`,
  })
  const placing = await timed(async () => {
    const records = [sampleRecord(`recovery-${Date.now()}`, 0)]
    await sequenced(recovered.told, readAnswer(await post(recovered.told, JSON.stringify({ records }))))
  })
  measures.add({
    group,
    name: 'then until a new receipt is sequenced, lease of 1 s',
    value: placing.seconds * 1000,
    unit: 'ms',
  })
}

async function benchGas(measures: Measures): Promise<void> {
  for (const { size, anchor, dearestAnchor, inclusion } of await measureGas([10_000, 100_000, 1_000_000])) {
    const group = 'gas'
    const goals = size === 1_000_000 ? ', goal 90,000' : ''
    measures.add({
      group,
      name: `anchor at ${size} leaves`,
      value: anchor.transactionGas,
      unit: 'gas',
      note: `after 1 % growth; dearest ${dearestAnchor.transactionGas}${goals}`,
    })
    measures.add({
      group,
      name: `inclusion check at ${size} leaves`,
      value: inclusion.callGas,
      unit: 'gas',
      note: `as a call; ${inclusion.transactionGas} as a transaction`,
    })
  }
}

function subfolder(folder: string, name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}

function diskBytes(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
}
