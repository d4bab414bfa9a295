/** Why the storage refused; see each subclass. */
export type StorageErrorCode =
  | 'DuplicateKey'
  | 'StaleVersion'
  | 'OutOfBounds'
  | 'TooLarge'
  | 'Unavailable'
  | 'InvalidQuery'
  | 'InvalidDocument'

/** Where in a commit the refusal arose. `write` is the position in the list of writes. */
export interface StorageErrorPlace {
  write?: number | undefined
  collection?: string | undefined
  index?: string | undefined
  cause?: unknown
}

/** Every refusal of `@tallystick/storage`; `code` tells which, the place tells where. */
export class StorageError extends Error {
  readonly code: StorageErrorCode
  readonly write: number | undefined
  readonly collection: string | undefined
  readonly index: string | undefined

  constructor(code: StorageErrorCode, message: string, place: StorageErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause })
    this.name = code
    this.code = code
    this.write = place.write
    this.collection = place.collection
    this.index = place.index
  }
}

/** The id, or the key of the unique `index`, is taken. `index` is `id` for the id. */
export class DuplicateKey extends StorageError {
  constructor(message: string, place?: StorageErrorPlace) {
    super('DuplicateKey', message, place)
  }
}

/** The document is gone, or was written since the version that the write names. */
export class StaleVersion extends StorageError {
  constructor(message: string, place?: StorageErrorPlace) {
    super('StaleVersion', message, place)
  }
}

/** An increment would leave its bounds, or the range of an int64. */
export class OutOfBounds extends StorageError {
  constructor(message: string, place?: StorageErrorPlace) {
    super('OutOfBounds', message, place)
  }
}

/** A document, an indexed string, or a commit is over the limits in `limits`. */
export class TooLarge extends StorageError {
  constructor(message: string, place?: StorageErrorPlace) {
    super('TooLarge', message, place)
  }
}

/** The store did not answer in time; the commit may or may not have been written. */
export class Unavailable extends StorageError {
  constructor(message: string, place?: StorageErrorPlace) {
    super('Unavailable', message, place)
  }
}

/** A query or a declaration that no index could answer: a mistake in the program, or a forged cursor. */
export class InvalidQuery extends StorageError {
  constructor(message: string, place?: StorageErrorPlace) {
    super('InvalidQuery', message, place)
  }
}

/** A value that BSON cannot say plainly, or an indexed field of the wrong shape. */
export class InvalidDocument extends StorageError {
  constructor(message: string, place?: StorageErrorPlace) {
    super('InvalidDocument', message, place)
  }
}

const classes = {
  DuplicateKey,
  StaleVersion,
  OutOfBounds,
  TooLarge,
  Unavailable,
  InvalidQuery,
  InvalidDocument,
} satisfies Record<StorageErrorCode, typeof DuplicateKey>

/** Builds the error of a code: for adapters that carry refusals between threads as data. */
export function storageError(
  code: StorageErrorCode,
  message: string,
  place?: StorageErrorPlace,
): StorageError {
  return new classes[code](message, place)
}
