import type { Document } from '../collection.ts'
import type { Stored } from '../store.ts'

/** A document as MongoDB holds it: its id is `_id`. */
export interface Row {
  _id: string
  version: number
  [field: string]: unknown
}

/** What an `expect` writes inside a transaction, so that it collides with whoever writes the document; never read. */
export const lockField = '_tallystick'

/** The row of a document at a version; `undefined` fields are left out by the driver. */
export function toRow(document: Document, version: number): Row {
  const { id, ...fields } = document
  return { _id: id, ...fields, version }
}

/** The document of a row, with its version. */
export function fromRow<T extends Document>(row: Row): Stored<T> {
  const { _id, version, [lockField]: _, ...fields } = row
  // The row was written by `toRow` from a T.
  return { id: _id, ...fields, version } as Stored<Document> as Stored<T>
}
