import mongoose from 'mongoose'
import type { StorageErrorPlace } from '../errors.ts'
import { StaleVersion } from '../errors.ts'
import type { Write } from '../write.ts'
import { increment } from './increment.ts'
import { duplicateIndex, isDuplicateKey } from './mongo-error.ts'
import { lockField, toRow, type Row } from './row.ts'
import type { Rows, SessionOption } from './rows.ts'

/** Carries out one write as one plain operation with the version in its filter. Throws StaleVersion, OutOfBounds. */
export async function writeOne(
  rows: Rows,
  write: Write,
  place: StorageErrorPlace,
  options: SessionOption,
): Promise<void> {
  switch (write.type) {
    case 'insert':
      await rows.insertOne(toRow(write.document, 1), options)
      return
    case 'ensure':
      await ensure(rows, write, options)
      return
    case 'increment':
      await increment(rows, write, place, options)
      return
    case 'expect':
      if (!(await isAt(rows, write, options))) throw stale(write.id, place)
      return
    case 'replace': {
      const { _id, ...row } = toRow(write.document, write.version + 1)
      const { matchedCount } = await rows.replaceOne({ _id, version: write.version }, row, options)
      if (matchedCount === 0) throw stale(_id, place)
      return
    }
    case 'remove': {
      const { deletedCount } = await rows.deleteOne(removed(write), options)
      if (deletedCount === 0) throw stale(write.id, place)
    }
  }
}

/** The filter of a `remove`. */
export function removed({ id, version }: Extract<Write, { type: 'remove' }>): Partial<Row> {
  return version === undefined ? { _id: id } : { _id: id, version }
}

/** The update of an `expect`: a new value each time, for a write that changes nothing collides with nobody. */
export function locked(): { $set: Record<string, unknown> } {
  return { $set: { [lockField]: new mongoose.mongo.ObjectId() } }
}

/** Only outside a transaction, where a refused insert spoils nothing. */
async function ensure(rows: Rows, { document }: Extract<Write, { type: 'ensure' }>, options: SessionOption) {
  try {
    await rows.insertOne(toRow(document, 1), options)
  } catch (error) {
    if (!isDuplicateKey(error) || duplicateIndex(error.message) !== 'id') throw error
  }
}

async function isAt(
  rows: Rows,
  { id, version }: Extract<Write, { type: 'expect' }>,
  options: SessionOption,
): Promise<boolean> {
  const filter = { _id: id, version }
  if (options.session === undefined) {
    const row = await rows.findOne(filter, {
      projection: { _id: 1 },
      readConcern: { level: 'linearizable' },
      maxTimeMS: 10_000,
    })
    return row !== null
  }
  return (await rows.updateOne(filter, locked(), options)).matchedCount === 1
}

function stale(id: string, place: StorageErrorPlace): StaleVersion {
  return new StaleVersion(`${place.collection}: ${id} is gone or has changed`, place)
}
