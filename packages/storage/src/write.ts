import type { Collection, Document } from './collection.ts'

/** Bounds of a field after an increment, both included. */
export interface Bounds {
  readonly atLeast?: number | bigint
  readonly atMost?: number | bigint
}

/** One write of a commit; built by the functions of this file. */
export type Write =
  | { readonly type: 'insert'; readonly collection: Collection; readonly document: Document }
  | { readonly type: 'ensure'; readonly collection: Collection; readonly document: Document }
  | {
      readonly type: 'replace'
      readonly collection: Collection
      readonly document: Document
      readonly version: number
    }
  | {
      readonly type: 'increment'
      readonly collection: Collection
      readonly id: string
      readonly by: Readonly<Record<string, number | bigint>>
      readonly bounds: Readonly<Record<string, Bounds>>
      /** The other fields of the document, used only when the increment creates it. */
      readonly create: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'expect'
      readonly collection: Collection
      readonly id: string
      readonly version: number
    }
  | {
      readonly type: 'remove'
      readonly collection: Collection
      readonly id: string
      readonly version: number | undefined
    }

/** Adds a document at version 1. Refused with DuplicateKey when its id or a unique key is taken. */
export function insert<T extends Document>(collection: Collection<T>, document: NoInfer<T>): Write {
  return { type: 'insert', collection, document }
}

/** Adds a document unless its id is there, whatever the one that is there holds. */
export function ensure<T extends Document>(collection: Collection<T>, document: NoInfer<T>): Write {
  return { type: 'ensure', collection, document }
}

/** Puts the whole document in place of the one at `version`; refused with StaleVersion when that has changed or gone. */
export function replace<T extends Document>(
  collection: Collection<T>,
  document: NoInfer<T>,
  version: number,
): Write {
  return { type: 'replace', collection, document, version }
}

/** The fields that can be counted up and down. */
type Countable<T> = {
  readonly [K in keyof T as NonNullable<T[K]> extends number | bigint ? K : never]?: NonNullable<T[K]>
}
type CountableBounds<T> = { readonly [K in keyof Countable<T>]?: Bounds }

/**
 * Adds to fields, from zero when the field or the document is not there. Refused with OutOfBounds when a result
 * leaves its bounds or, for bigint, an int64. `create` gives the other fields of a document that has to be created
 * (its partition, when that is not the id).
 */
export function increment<T extends Document>(
  collection: Collection<T>,
  id: string,
  by: Countable<NoInfer<T>>,
  bounds: CountableBounds<NoInfer<T>> = {},
  create: Partial<NoInfer<T>> = {},
): Write {
  return {
    type: 'increment',
    collection,
    id,
    by: by as Record<string, number | bigint>,
    bounds: bounds as Record<string, Bounds>,
    create,
  }
}

/** Lets the commit pass only if the document is still at `version`; writes nothing. */
export function expect<T extends Document>(collection: Collection<T>, id: string, version: number): Write {
  return { type: 'expect', collection, id, version }
}

/** Removes the document at `version`, or at any version when none is given; StaleVersion when it is not there. */
export function remove<T extends Document>(collection: Collection<T>, id: string, version?: number): Write {
  return { type: 'remove', collection, id, version }
}
