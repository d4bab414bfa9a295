import { deserialize, serialize } from 'bson'
import type { Document, Index, Scalar } from './collection.ts'
import { InvalidQuery } from './errors.ts'
import { typeOfScalar } from './field-type.ts'
import type { ScalarType } from './field-type.ts'
import type { Selection } from './store.ts'
import { fieldOf, isScalar } from './validate.ts'

/** Where a page ended: the index key of its last document (a value for each key of the index) and the id. */
export interface Cursor {
  key: Scalar[]
  id: string
}

/** The key under which a query found a document: for a `[]` key the element that the query asked for. */
export function indexKey(index: Index, { equals }: Selection, document: Document): Scalar[] {
  return index.keys.map(({ field }, position) => {
    if (position < equals.length) return equals[position] ?? null
    return (fieldOf(document, field) ?? null) as Scalar
  })
}

/** The opaque text of a cursor: base64url of BSON. */
export function encodeCursor({ key, id }: Cursor): string {
  return Buffer.from(serialize({ k: key, i: id })).toString('base64url')
}

/**
 * Reads a cursor for a query. The text is a client's: throws InvalidQuery unless it has a value for each key of the
 * index, of the key's type, and those of `equals` are the query's own, so that a forged cursor cannot reach another tenant's keys.
 */
export function decodeCursor(text: string, index: Index, equals: readonly Scalar[]): Cursor {
  const refuse = (cause?: unknown) =>
    new InvalidQuery('the cursor is not of this query', {
      collection: index.collection.name,
      index: index.name,
      cause,
    })
  let value: { k?: unknown; i?: unknown }
  try {
    value = deserialize(Buffer.from(text, 'base64url'), { useBigInt64: true, promoteBuffers: true })
  } catch (cause) {
    throw refuse(cause)
  }
  const { k: key, i: id } = value
  if (!Array.isArray(key) || key.length !== index.keys.length || !key.every(isScalar)) throw refuse()
  if (typeof id !== 'string' || id === '') throw refuse()
  if (!equals.every((expected, position) => sameScalar(expected, key[position] ?? null))) throw refuse()
  if (!key.every((value: Scalar, position) => fits(value, index.types[position]))) throw refuse()
  return { key, id }
}

/** Whether a value may stand in a key: one of another type would begin the page wherever the database puts such types. */
function fits(value: Scalar, type: ScalarType | undefined): boolean {
  return value === null || type === undefined || typeOfScalar(value) === type
}

function sameScalar(left: Scalar, right: Scalar): boolean {
  if (left instanceof Date) return right instanceof Date && left.getTime() === right.getTime()
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0
  // A number and a bigint of one value are one key.
  return left === right || (isNumeric(left) && isNumeric(right) && left == right)
}

function isNumeric(value: Scalar): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}
