import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { StorageError, Unavailable } from '../errors.ts'
import { openConnection, retryBusy } from './connection.ts'
import type { Layout } from './layout.ts'
import type { Answer, Job, Operation, Outcome, Refusal, Request } from './messages.ts'
import { makeTable, readDeclarations } from './schema.ts'
import { type TableWriter, tableWriter } from './table-writer.ts'

// The one thread that writes a database file in this process. All commits that wait are written in one SQL transaction,
// so that one fsync serves them all.

const { file, busyMs, purgeEveryMs } = workerData as { file: string; busyMs: number; purgeEveryMs: number }
const operationsAtOnce = 4096

const db = openConnection(file)
// Waiting is done by retryBusy; see there.
db.exec('PRAGMA busy_timeout = 0; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864')
const sql = {
  begin: db.prepare('BEGIN IMMEDIATE'),
  commit: db.prepare('COMMIT'),
  rollback: db.prepare('ROLLBACK'),
  savepoint: db.prepare('SAVEPOINT job'),
  release: db.prepare('RELEASE job'),
  undo: db.prepare('ROLLBACK TO job'),
  declared: db.prepare('PRAGMA user_version'),
}
const tables = new Map<string, TableWriter>()
const waiting: { job: Job; bytes: Uint8Array }[] = []
let declaredVersion = -1

function tell(answer: Answer): void {
  port.postMessage(answer)
}

function receive(request: Request): void {
  if (request.type === 'write') {
    for (const job of request.jobs) waiting.push({ job, bytes: request.bytes })
    return
  }
  while (waiting.length > 0) writeWaiting()
  const outcome: Outcome = { number: request.number }
  try {
    if (request.type === 'declare') request.layouts.forEach(declare)
    if (request.type === 'purge') purge()
    if (request.type === 'close') db.close()
  } catch (error) {
    if (db.isTransaction) sql.rollback.run()
    outcome.refusal = refusalOf(error)
  }
  tell({ type: 'done', outcomes: [outcome] })
  if (request.type === 'close') {
    clearInterval(purging)
    port.close()
  }
}

function declare(layout: Layout): void {
  makeTable(db, layout, (message, fields) => tell({ type: 'log', message, fields }))
  tables.set(layout.name, tableWriter(db, layout))
}

/** Writes the next jobs in one transaction, and tells their outcomes once they are on disk. */
function writeWaiting(): void {
  let operations = 0
  let count = 0
  while (count < waiting.length && operations < operationsAtOnce) {
    operations += waiting[count++]?.job.operations.length ?? 0
  }
  const batch = waiting.splice(0, count)
  const outcomes: Outcome[] = []
  try {
    begin()
    for (const { job, bytes } of batch) outcomes.push(job.each ? writeEach(job, bytes) : writeAll(job, bytes))
    commit()
  } catch (error) {
    if (db.isTransaction) sql.rollback.run()
    const refusal = refusalOf(error)
    tell({ type: 'done', outcomes: batch.map(({ job }) => ({ number: job.number, refusal })) })
    return
  }
  tell({ type: 'done', outcomes })
}

function begin(): void {
  retryBusy(() => sql.begin.run(), busyMs)
  const version = Number(sql.declared.get()?.['user_version'])
  if (version === declaredVersion) return
  // A process of another release that declares other indexes would find rows without its columns.
  const declarations = readDeclarations(db)
  for (const { layout } of tables.values()) {
    if (declarations.get(layout.name) !== layout.declaration) {
      throw new Unavailable(`${layout.name} was declared anew by another process; start this one anew`)
    }
  }
  declaredVersion = version
}

function commit(): void {
  for (const writer of tables.values()) writer.beforeCommit()
  sql.commit.run()
}

function table(name: string): TableWriter {
  const found = tables.get(name)
  if (found === undefined) throw new Unavailable(`${name} was not given to createCollections`)
  return found
}

function writeAll({ number, operations }: Job, bytes: Uint8Array): Outcome {
  // A statement that fails undoes itself: a lone one needs no savepoint.
  const [only] = operations
  if (only !== undefined && operations.length === 1 && table(only.c).single)
    return writeLone(number, only, bytes)
  sql.savepoint.run()
  try {
    for (const [write, operation] of operations.entries()) table(operation.c).apply(operation, bytes, write)
    sql.release.run()
    return { number }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    sql.undo.run()
    sql.release.run()
    return { number, refusal: refusalOf(error) }
  }
}

function writeLone(number: number, operation: Operation, bytes: Uint8Array): Outcome {
  try {
    table(operation.c).apply(operation, bytes, 0)
    return { number }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    return { number, refusal: refusalOf(error) }
  }
}

function writeEach({ number, operations }: Job, bytes: Uint8Array): Outcome {
  const inserted = operations.map((operation, write) => {
    const { refusal } = writeAll({ number: write, each: false, operations: [operation] }, bytes)
    if (refusal !== undefined && refusal.code !== 'DuplicateKey') {
      throw new Unavailable(refusal.message)
    }
    return refusal === undefined
  })
  return { number, inserted }
}

/** Removes the documents whose `expires` has passed, 500 in a transaction. */
function purge(): void {
  for (const writer of tables.values()) {
    let removed: number
    do {
      begin()
      removed = writer.purgeExpired(Date.now())
      commit()
    } while (removed === 500)
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof StorageError) {
    const { code, message, write, collection, index } = error
    return { code, message, write, collection, index }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'Unavailable', message, write: undefined, collection: undefined, index: undefined }
}

function start(port: MessagePort): void {
  port.on('message', (first: Request) => {
    receive(first)
    do {
      for (let next; (next = receiveMessageOnPort(port));) receive(next.message)
      if (waiting.length > 0) writeWaiting()
    } while (waiting.length > 0)
  })
}

if (parentPort === null) throw new Error('the writer runs as a worker thread')
const port = parentPort
const purging = setInterval(() => {
  try {
    purge()
  } catch (error) {
    if (db.isTransaction) sql.rollback.run()
    tell({
      type: 'log',
      message: 'expired documents stay until the next purge',
      fields: { ...refusalOf(error) },
    })
  }
}, purgeEveryMs)
start(port)
