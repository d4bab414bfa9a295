import { setTimeout as delay } from 'node:timers/promises'
import { Double } from 'bson'
import type { Document } from '../collection.ts'
import { InvalidDocument, OutOfBounds, StaleVersion, type StorageErrorPlace } from '../errors.ts'
import type { Write } from '../write.ts'
import { inRange, rangeBefore, rangeFilter } from './increment-range.ts'
import { duplicateIndex, isDuplicateKey } from './mongo-error.ts'
import { toRow, type Row } from './row.ts'
import type { Rows, SessionOption } from './write-one.ts'

type Increment = Extract<Write, { type: 'increment' }>

const rounds = 12

/**
 * Adds to the fields of a document in one update with the bounds in its filter, and creates the document when it is
 * not there. Goes around again when another made or removed the document meanwhile; StaleVersion if that goes on.
 */
export async function increment(
  rows: Rows,
  write: Increment,
  place: StorageErrorPlace,
  options: SessionOption,
): Promise<void> {
  const { filter, update } = incrementUpdate(write)
  for (let round = 0; round < rounds; round++) {
    const { matchedCount } = await rows.updateOne(filter, update, options)
    if (matchedCount === 1) return
    const row = await rows.findOne(
      { _id: write.id },
      // A transaction has its own read concern; outside, the newest state explains why the update did not match.
      options.session === undefined ? { readConcern: { level: 'local' } } : options,
    )
    checkFields(write, row, place)
    if (row === null && (await created(rows, write, options))) return
    await delay(Math.random() * round)
  }
  throw new StaleVersion(`${place.collection}: ${write.id} would not hold still`, place)
}

/** The update of an increment, which matches nothing when the document is not there or would leave its bounds. */
export function incrementUpdate({ id, by, bounds }: Increment) {
  const clauses = Object.entries(by).map(([field, delta]) =>
    rangeFilter(field, delta, rangeBefore(delta, bounds[field] ?? {})),
  )
  const deltas = Object.entries(by).map(([field, delta]) => [
    field,
    // As a double: two int32 would make an int64 when they overflow, and that is read as a bigint.
    typeof delta === 'number' ? new Double(delta) : delta,
  ])
  return {
    filter: { $and: [{ _id: id }, ...clauses] },
    update: { $inc: { ...(Object.fromEntries(deltas) as Record<string, Double | bigint>), version: 1 } },
  }
}

/** Throws what forbids the increment on this row, or on none. */
function checkFields({ id, by, bounds }: Increment, row: Row | null, place: StorageErrorPlace): void {
  for (const [field, delta] of Object.entries(by)) {
    const value = row?.[field] ?? 0
    const known = row?.[field] === undefined || typeof value === typeof delta
    if (!known || (typeof value !== 'number' && typeof value !== 'bigint')) {
      throw new InvalidDocument(`${place.collection}.${field} holds no ${typeof delta}`, place)
    }
    if (!inRange(value, rangeBefore(delta, bounds[field] ?? {}))) {
      throw new OutOfBounds(`${place.collection}.${field} of ${id} would leave its bounds`, place)
    }
  }
}

/** Whether the document could be inserted; outside a transaction another may have been faster. */
async function created(rows: Rows, { id, by, create }: Increment, options: SessionOption): Promise<boolean> {
  const document: Document = { ...create, ...by, id }
  try {
    await rows.insertOne(toRow(document, 1), options)
    return true
  } catch (error) {
    const outrun = isDuplicateKey(error) && duplicateIndex(error.message) === 'id'
    if (outrun && options.session === undefined) return false
    throw error
  }
}
