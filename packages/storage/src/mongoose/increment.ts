import { setTimeout as delay } from 'node:timers/promises'
import { encode } from '../codec.ts'
import { StaleVersion, type StorageErrorPlace } from '../errors.ts'
import { addWithinBounds } from '../increment.ts'
import { checkDocumentSize, checkPartition } from '../validate.ts'
import { incrementUpdate, type Increment } from './increment-update.ts'
import { duplicateIndex, isDuplicateKey } from './mongo-error.ts'
import { fromRow, toRow, type Row } from './row.ts'
import type { Rows, SessionOption } from './rows.ts'

const rounds = 12

/**
 * Adds to the fields of a document in one update with the bounds in its filter. When that matches nothing, reads the
 * document, throws what forbids the increment, or writes the sum if the version is still the same; creates the document
 * when it is not there. Goes around again when another was faster; throws StaleVersion if that goes on.
 */
export async function increment(
  rows: Rows,
  write: Increment,
  place: StorageErrorPlace,
  options: SessionOption,
): Promise<void> {
  const plain = incrementUpdate(write)
  for (let round = 0; round < rounds; round++) {
    if (plain !== undefined) {
      const { matchedCount } = await rows.updateOne(plain.filter, plain.update, options)
      if (matchedCount === 1) return
    }
    const row = await rows.findOne(
      { _id: write.id },
      // A transaction has its own read concern. Outside, only the newest state explains why nothing matched.
      options.session === undefined ? { readConcern: { level: 'local' } } : options,
    )
    const done =
      row === null ? await create(rows, write, place, options) : await add(rows, row, write, place, options)
    if (done) return
    await delay(Math.random() * round)
  }
  throw new StaleVersion(`${place.collection}: ${write.id} is written by too many at once`, place)
}

/** Whether the document, with its sums, could be put in the place of the one that was read. */
async function add(
  rows: Rows,
  row: Row,
  { by, bounds }: Increment,
  place: StorageErrorPlace,
  options: SessionOption,
): Promise<boolean> {
  const before = fromRow(row)
  const { _id, ...after } = toRow(addWithinBounds(before, by, bounds, place), before.version + 1)
  const { matchedCount } = await rows.replaceOne({ _id, version: before.version }, after, options)
  return matchedCount === 1
}

/** Whether the document could be made; outside of a transaction another may have made it meanwhile. */
async function create(
  rows: Rows,
  { id, by, bounds, create, collection }: Increment,
  place: StorageErrorPlace,
  options: SessionOption,
): Promise<boolean> {
  const start = { ...create, id }
  checkPartition(collection, start, place.write)
  const document = addWithinBounds(start, by, bounds, place)
  checkDocumentSize(encode(document).length, collection, place.write)
  try {
    await rows.insertOne(toRow(document, 1), options)
    return true
  } catch (error) {
    const outrun = isDuplicateKey(error) && duplicateIndex(error.message) === 'id'
    if (outrun && options.session === undefined) return false
    throw error
  }
}
