import mongoose from 'mongoose'
import type { Collection, Document } from '../collection.ts'
import { DuplicateKey, Unavailable } from '../errors.ts'
import { isDuplicateCode, storageErrorOf } from './mongo-error.ts'
import { toRow } from './row.ts'
import type { Rows } from './rows.ts'

/** Inserts each document on its own in one message; tells which were there already. */
export async function insertEach(
  rows: Rows,
  collection: Collection,
  documents: readonly Document[],
): Promise<('inserted' | 'duplicate')[]> {
  const answers = documents.map((): 'inserted' | 'duplicate' => 'inserted')
  try {
    await rows.insertMany(
      documents.map((document) => toRow(document, 1)),
      { ordered: false },
    )
  } catch (error) {
    const refused = refusedWrites(error)
    if (refused === undefined) throw unavailable(error, collection)
    for (const { code, index } of refused) {
      if (!isDuplicateCode(code)) {
        throw new Unavailable('MongoDB refused a document', {
          collection: collection.name,
          write: index,
          cause: error,
        })
      }
      answers[index] = 'duplicate'
    }
  }
  return answers
}

/** The writes that the server refused, when nothing else went wrong: every other document is then written, durably. */
function refusedWrites(error: unknown): mongoose.mongo.WriteError[] | undefined {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) return undefined
  const refused = [error.writeErrors].flat()
  return refused.length === 0 || error.result.getWriteConcernError() !== undefined ? undefined : refused
}

/** A bulk write that lost its server may carry the refusal of an earlier document: that is not what went wrong. */
function unavailable(error: unknown, { name }: Collection): unknown {
  const mapped = storageErrorOf(error, { collection: name })
  return mapped instanceof DuplicateKey
    ? new Unavailable('MongoDB did not confirm the documents', { collection: name, cause: error })
    : mapped
}
