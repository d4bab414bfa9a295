import mongoose from 'mongoose'
import { Unavailable, type StorageErrorPlace } from '../errors.ts'
import type { Collection } from '../collection.ts'
import type { Write } from '../write.ts'
import { incrementUpdate } from './increment-update.ts'
import { storageErrorOf } from './mongo-error.ts'
import { toRow, type Row } from './row.ts'
import type { Rows } from './rows.ts'
import { locked, removed, writeOne } from './write-one.ts'

type Session = mongoose.mongo.ClientSession
type InsertOrEnsure = Extract<Write, { type: 'insert' | 'ensure' }>

/** Writes of one collection and one manner, sent in one message, and their positions in the list. */
interface Run {
  manner: 'insert' | 'ensure' | 'change'
  collection: Collection
  writes: Write[]
  positions: number[]
}

/** A run in which some write did not apply: the server tells how many did, and not which. */
class RunFailed extends Error {}

const options: mongoose.mongo.TransactionOptions = {
  readPreference: 'primary',
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
}

// The driver would go on for two minutes; who waits for the answer has gone by then.
const longestRepeatMs = 20_000

/**
 * Carries out a list of writes in one transaction. Changes that follow each other are sent together; if one of them
 * does not apply, the transaction is aborted and begun anew one change at a time, which names the write that fails.
 * Mongoose and the driver repeat the transaction (this function's callback) by their rules when the server says so.
 */
export async function writeAll(
  connection: mongoose.Connection,
  rowsOf: (collection: Collection) => Rows,
  writes: readonly Write[],
): Promise<void> {
  try {
    await transact(connection, rowsOf, runsOf(writes, true))
  } catch (error) {
    if (!(error instanceof RunFailed)) throw error
    await transact(connection, rowsOf, runsOf(writes, false))
  }
}

/**
 * Cuts a list of writes into runs; without `together` every change is a run of its own. An `ensure` goes back to the ones
 * before it if nothing in between touches its document: so a thousand documents that are ensured and changed in turns are
 * two messages. Where no index is unique it fails at no place, and changes nothing for the writes that it passes.
 */
export function runsOf(writes: readonly Write[], together: boolean): Run[] {
  const runs: Run[] = []
  const touchedIn = new Map<string, number>()
  const ensuredIn = new Map<string, number>()
  for (const [position, write] of writes.entries()) {
    const { collection } = write
    const manner = write.type === 'insert' || write.type === 'ensure' ? write.type : 'change'
    const last = runs.at(-1)
    const joins = last?.manner === manner && last.collection.name === collection.name
    const key = documentKey(write)
    const earlier = manner === 'ensure' ? ensuredIn.get(collection.name) : undefined
    let at = joins && (together || manner !== 'change') ? runs.length - 1 : runs.length
    if (earlier !== undefined && earlier >= (touchedIn.get(key) ?? 0) && !hasUnique(collection)) at = earlier
    const run = (runs[at] ??= { manner, collection, writes: [], positions: [] })
    run.writes.push(write)
    run.positions.push(position)
    touchedIn.set(key, at)
    if (manner === 'ensure') ensuredIn.set(collection.name, at)
  }
  return runs
}

/** Which document a write is about, as a text that no other document has. */
export function documentKey(write: Write): string {
  return `${write.collection.name} ${'document' in write ? write.document.id : write.id}`
}

function hasUnique({ indexes }: Collection): boolean {
  return indexes.some(({ unique }) => unique)
}

async function transact(
  connection: mongoose.Connection,
  rowsOf: (collection: Collection) => Rows,
  runs: Run[],
): Promise<void> {
  let place: StorageErrorPlace = {}
  const begun = performance.now()
  try {
    // Operations of a transaction share its session and must not overlap: one is awaited after the other. Whatever is
    // thrown must reach the driver as it is, for the labels on it say whether the transaction is repeated.
    await connection.transaction(async (session) => {
      if (performance.now() - begun > longestRepeatMs) {
        throw new Unavailable(
          'MongoDB refused the commit for as long as it was repeated: others write the same',
          place,
        )
      }
      for (const run of runs) {
        place = { write: run.positions[0], collection: run.collection.name }
        const failed = await apply(rowsOf(run.collection), run, place, session)
        if (failed === undefined) continue
        place = { ...place, write: failed.write }
        throw failed.error
      }
      // What fails from here on is the commit itself, not a write.
      place = {}
    }, options)
  } catch (error) {
    throw storageErrorOf(error, place)
  }
}

/** Carries out a run; a refused insert of several is given back with its position. */
async function apply(
  rows: Rows,
  run: Run,
  place: StorageErrorPlace,
  session: Session,
): Promise<{ error: unknown; write: number | undefined } | undefined> {
  const [only] = run.writes
  if (run.manner === 'change') {
    if (run.writes.length > 1) await changeAll(rows, run.writes, session)
    else if (only !== undefined) await writeOne(rows, only, place, { session })
    return undefined
  }
  const inserts = run.writes.filter(isInsertOrEnsure).map((write, at) => ({
    row: toRow(write.document, 1),
    write: run.positions[at],
  }))
  const missing = run.manner === 'ensure' ? await withoutKnown(rows, inserts, session) : inserts
  if (missing.length === 0) return undefined
  try {
    await rows.insertMany(
      missing.map(({ row }) => row),
      { session, ordered: true },
    )
    return undefined
  } catch (error) {
    return { error, write: missing[refusedAt(error) ?? 0]?.write }
  }
}

function isInsertOrEnsure(write: Write): write is InsertOrEnsure {
  return write.type === 'insert' || write.type === 'ensure'
}

/** The rows whose ids are not there yet. In a transaction a refused insert would abort all, so the ids are read first. */
async function withoutKnown<I extends { row: Row }>(
  rows: Rows,
  inserts: I[],
  session: Session,
): Promise<I[]> {
  const ids = inserts.map(({ row }) => row._id)
  const cursor = rows.find(
    { _id: { $in: ids } },
    { session, projection: { _id: 1 }, batchSize: ids.length + 1 },
  )
  const known = new Set((await cursor.toArray()).map((row) => row._id))
  return inserts.filter(({ row }) => {
    if (known.has(row._id)) return false
    known.add(row._id)
    return true
  })
}

async function changeAll(rows: Rows, writes: readonly Write[], session: Session): Promise<void> {
  const operations = writes.map(changeOperation)
  if (!operations.every((operation) => operation !== undefined)) throw new RunFailed()
  let applied: number
  try {
    const { matchedCount, deletedCount } = await rows.bulkWrite(operations, { session, ordered: true })
    applied = matchedCount + deletedCount
  } catch (error) {
    // A write that the server refused; what else it says (a conflict, a lost server) is for the driver to act on.
    throw refusedAt(error) === undefined ? error : new RunFailed()
  }
  if (applied !== writes.length) throw new RunFailed()
}

/** A change as a part of a bulk write; undefined when it cannot be one. */
function changeOperation(write: Write): mongoose.mongo.AnyBulkWriteOperation<Row> | undefined {
  switch (write.type) {
    case 'replace': {
      const { _id, ...replacement } = toRow(write.document, write.version + 1)
      return { replaceOne: { filter: { _id, version: write.version }, replacement } }
    }
    case 'remove':
      return { deleteOne: { filter: removed(write) } }
    case 'expect':
      return { updateOne: { filter: { _id: write.id, version: write.version }, update: locked() } }
    case 'increment': {
      const plain = incrementUpdate(write)
      return plain && { updateOne: plain }
    }
    default:
      return undefined
  }
}

/** The position of the write that the server refused (a taken key, say); undefined for any other error. */
function refusedAt(error: unknown): number | undefined {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) return undefined
  if (error.hasErrorLabel('TransientTransactionError')) return undefined
  return [error.writeErrors].flat()[0]?.index
}
