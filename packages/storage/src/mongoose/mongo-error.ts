import mongoose from 'mongoose'
import { DuplicateKey, StorageError, TooLarge, Unavailable, type StorageErrorPlace } from '../errors.ts'

const duplicateKey = 11000
const tooLarge = new Set([10334, 17280, 17419, 17420])

/** Whether a server's code says that a key is taken. */
export function isDuplicateCode(code: unknown): boolean {
  return code === duplicateKey
}

/** Whether a server refused a document because its id, or the key of a unique index, is taken. */
export function isDuplicateKey(error: unknown): error is mongoose.mongo.MongoServerError {
  return error instanceof mongoose.mongo.MongoServerError && isDuplicateCode(error.code)
}

/** The declared name of the unique index that refused, `id` for the id. The driver gives only the server's sentence. */
export function duplicateIndex(message: string): string | undefined {
  // MongoDB: "… index: byNumber.0a1b2c3d dup key: …"; FerretDB: "… Index 'byNumber.0a1b2c3d'".
  const name = /\bindex: (\S+)/.exec(message)?.[1] ?? /\bIndex '([^']+)'/.exec(message)?.[1]
  return name === '_id_' ? 'id' : name?.replace(/\.[0-9a-f]{8}$/, '')
}

/**
 * What the storage says of an error of the driver or of Mongoose: DuplicateKey, TooLarge, or else Unavailable with the
 * error as its cause. Other errors (a StorageError among them) are given back as they are.
 */
export function storageErrorOf(error: unknown, place: StorageErrorPlace): unknown {
  if (error instanceof StorageError) return error
  if (isDuplicateKey(error)) {
    const index = duplicateIndex(error.message)
    return new DuplicateKey(`${place.collection}: ${index ?? 'a unique key'} is taken`, {
      ...place,
      index,
      cause: error,
    })
  }
  if (!(error instanceof mongoose.mongo.MongoError) && !(error instanceof mongoose.Error)) return error
  const code = error instanceof mongoose.mongo.MongoError ? Number(error.code) : undefined
  if (code !== undefined && tooLarge.has(code)) {
    return new TooLarge('MongoDB finds the document too large', { ...place, cause: error })
  }
  return new Unavailable(`MongoDB did not answer as it should (${error.name})`, { ...place, cause: error })
}

/** Runs `work` and throws what `storageErrorOf` makes of its error. */
export async function guarded<R>(place: StorageErrorPlace, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    throw storageErrorOf(error, place)
  }
}
