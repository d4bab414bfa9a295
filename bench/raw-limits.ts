import { hash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { leafHash, MemoryTree } from '@tallystick/merkle'
import { CompactSign, generateKeyPair } from 'jose'
import { MerkleTree } from 'merkletreejs'
import { rateOf, timed } from './measure.ts'
import type { Measures } from './measure.ts'
import { sampleEntry, samplePayload, sampleReceipt } from './sample-records.ts'

/** The rates that nothing built on the same parts can pass, measured alone on this machine. */
export interface RawLimits {
  joseSignRate: number
  sqliteInsertRate: number
}

const transactionSize = 1000

/** Measures jose, node:sqlite and plain Merkle trees. `leaves` is the tree size, `folder` takes the database. */
export async function rawLimits(
  measures: Measures,
  { leaves, folder }: { leaves: number; folder: string },
): Promise<RawLimits> {
  const group = 'raw limits'
  const joseSignRate = await joseRate()
  measures.add({
    group,
    name: 'jose ES256, one thread, 16 in flight',
    value: joseSignRate,
    unit: 'signatures/s',
  })
  const sqliteInsertRate = sqliteRate(folder, leaves)
  measures.add({
    group,
    name: 'prepared SQLite insert of receipt documents, 1,000 to a transaction',
    value: sqliteInsertRate,
    unit: 'documents/s',
  })
  const entries = Array.from({ length: leaves }, (_, turn) => sampleEntry(turn))
  const ours = await timed(() => new MemoryTree(entries.map((entry) => leafHash(entry))).root)
  const plain = measures.add({
    group,
    name: `plain RFC 6962 tree of ${leaves} entries`,
    value: leaves / ours.seconds,
    unit: 'entries/s',
  })
  const sha256 = (data: Buffer) => hash('sha256', data, 'buffer')
  const theirs = await timed(() => new MerkleTree(entries, sha256, { hashLeaves: true }).getRoot())
  measures.add({
    group,
    name: `merkletreejs tree of ${leaves} entries`,
    value: leaves / theirs.seconds,
    unit: 'entries/s',
    ratio: leaves / theirs.seconds / plain.value,
    against: 'plain tree',
  })
  return { joseSignRate, sqliteInsertRate }
}

async function joseRate(): Promise<number> {
  const { privateKey } = await generateKeyPair('ES256')
  const header = { alg: 'ES256', kid: 'bench', typ: 'tally-receipt+jwt' }
  const payloads = Array.from({ length: 64 }, (_, turn) => Buffer.from(JSON.stringify(samplePayload(turn))))
  const sign = (turn: number) =>
    new CompactSign(payloads[turn % payloads.length] ?? Buffer.of())
      .setProtectedHeader(header)
      .sign(privateKey)
  await rateOf(sign, { inFlight: 16, seconds: 0.5 })
  return rateOf(sign, { inFlight: 16, seconds: 3 })
}

/** One table, one prepared statement, the same journal and fsync as the store; no index, no second thread. */
function sqliteRate(folder: string, count: number): number {
  const file = join(folder, 'raw.db')
  const documents = Array.from({ length: count }, (_, turn) => {
    const receipt = sampleReceipt(turn)
    return [receipt.id, JSON.stringify({ ...receipt, body: undefined }), receipt.body] as const
  })
  using db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  db.exec('CREATE TABLE documents (id TEXT PRIMARY KEY, document TEXT, body BLOB) WITHOUT ROWID')
  const statement = db.prepare('INSERT INTO documents VALUES (?, ?, ?)')
  const started = performance.now()
  for (let first = 0; first < count; first += transactionSize) {
    db.exec('BEGIN IMMEDIATE')
    for (const values of documents.slice(first, first + transactionSize)) statement.run(...values)
    db.exec('COMMIT')
  }
  const rate = count / ((performance.now() - started) / 1000)
  db.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
  return rate
}
