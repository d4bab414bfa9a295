import type { Collection, Document, Index, Scalar } from './collection.ts'
import { checkValue } from './check-value.ts'
import { InvalidDocument, InvalidQuery, TooLarge } from './errors.ts'
import { limits } from './limits.ts'
import type { Query, Range, Selection } from './store.ts'
import type { Write } from './write.ts'

/** Whether a value may be an index key: finite numbers, int64, valid dates, well-formed text. */
export function isScalar(value: unknown): value is Scalar {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
    case 'number':
      return Number.isFinite(value)
    case 'bigint':
      return value === BigInt.asIntN(64, value)
    case 'boolean':
      return true
    case 'object':
      if (value instanceof Date) return !Number.isNaN(value.getTime())
      return value === null || value instanceof Uint8Array
    default:
      return false
  }
}

/**
 * Refuses, before anything is written, a document that the two adapters might not keep alike: values outside BSON,
 * indexed fields that are not scalars (or arrays of them, for `[]`), oversized keys. Throws InvalidDocument, TooLarge.
 */
export function checkDocument(collection: Collection, document: Document, write?: number): void {
  const place = { collection: collection.name, write }
  checkId(document.id, collection, write)
  checkValue(document, place)
  checkFields(collection, document, place)
  checkPartition(collection, document, write)
}

/** Refuses a document without its partition, by which a cluster would place it. */
export function checkPartition(
  collection: Pick<Collection, 'name' | 'partition'>,
  document: Document,
  write?: number,
): void {
  if (typeof (fieldOf(document, collection.partition) ?? null) === 'string') return
  throw new InvalidDocument(`${collection.name}: the partition ${collection.partition} is missing`, {
    collection: collection.name,
    write,
  })
}

function checkFields(collection: Collection, document: Document, place: Place): void {
  for (const { keys } of collection.indexes) {
    for (const { field, each } of keys) checkKey(field, each, fieldOf(document, field), place)
  }
  const gone = collection.expires === undefined ? undefined : fieldOf(document, collection.expires)
  if (gone !== undefined && gone !== null && !(gone instanceof Date)) {
    throw new InvalidDocument(`${collection.name}: ${collection.expires} must be a Date`, place)
  }
}

/** The value of a document's own field. */
export function fieldOf(document: object, field: string): unknown {
  return (document as Record<string, unknown>)[field]
}

/** Refuses an id that is not 1 to 1,024 bytes of well-formed text. */
export function checkId(id: unknown, collection: Collection, write?: number): asserts id is string {
  const place = { collection: collection.name, write }
  if (typeof id !== 'string' || id === '' || !id.isWellFormed()) {
    throw new InvalidDocument(`${collection.name}: an id is text`, place)
  }
  checkKeySize('id', id, place)
}

/** Refuses a list of ids that is too long. */
export function checkIds(ids: readonly string[], collection: Pick<Collection, 'name'>): void {
  if (ids.length > limits.insertManyDocuments) {
    throw new TooLarge(`${collection.name}: ${ids.length} ids at once`, { collection: collection.name })
  }
}

/** Refuses a bound of a count that is not a whole number from 1. */
export function checkAtMost(atMost: number): void {
  if (!Number.isSafeInteger(atMost) || atMost < 1) throw new InvalidQuery('atMost is a whole number from 1')
}

interface Place {
  collection: string
  write?: number | undefined
}

function checkKey(field: string, each: boolean, value: unknown, place: Place): void {
  if (value === undefined || value === null) return
  if (Array.isArray(value) !== each) {
    throw new InvalidDocument(
      `${place.collection}.${field}: ${each ? 'an' : 'no'} array is indexed here`,
      place,
    )
  }
  for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (!isScalar(item)) throw new InvalidDocument(`${place.collection}.${field} cannot be indexed`, place)
    checkKeySize(field, item, place)
  }
}

function checkKeySize(field: string, value: Scalar, place: Place): void {
  const size =
    typeof value === 'string'
      ? // UTF-8 takes at most three bytes for a UTF-16 unit: short text needs no counting.
        value.length * 3 <= limits.indexedBytes
        ? 0
        : Buffer.byteLength(value)
      : value instanceof Uint8Array
        ? value.length
        : 0
  if (size > limits.indexedBytes) {
    throw new TooLarge(`${place.collection}.${field}: ${size} bytes are more than a key holds`, place)
  }
}

/** Refuses a document whose BSON is over the limit. */
export function checkDocumentSize(size: number, collection: Pick<Collection, 'name'>, write?: number): void {
  if (size <= limits.documentBytes) return
  throw new TooLarge(`${collection.name}: a document of ${size} bytes`, {
    collection: collection.name,
    write,
  })
}

/** Refuses a commit whose documents together are over the limit. */
export function checkCommitSize(size: number): void {
  if (size > limits.commitBytes) throw new TooLarge(`a commit of ${size} bytes`)
}

/** Refuses a list of writes that is too long, or in which a write is not well made; documents included. */
export function checkWrites(writes: readonly Write[]): void {
  if (writes.length > limits.commitWrites) throw new TooLarge(`a commit of ${writes.length} writes`)
  for (const [position, write] of writes.entries()) checkWrite(write, position)
}

function checkWrite(write: Write, position: number): void {
  const { collection } = write
  const place = { collection: collection.name, write: position }
  if ('document' in write) checkDocument(collection, write.document, position)
  else checkId(write.id, collection, position)
  if (
    'version' in write &&
    write.version !== undefined &&
    !(Number.isSafeInteger(write.version) && write.version > 0)
  ) {
    throw new InvalidDocument(`${collection.name}: ${write.version} is no version`, place)
  }
  if (write.type === 'increment') checkIncrement(write, place)
}

function checkIncrement(write: Extract<Write, { type: 'increment' }>, place: Place): void {
  const { collection, by, bounds, create } = write
  if (Object.keys(by).length === 0) throw new InvalidDocument('an increment of nothing', place)
  for (const [field, delta] of Object.entries(by)) {
    const numeric = typeof delta === 'bigint' || typeof delta === 'number'
    if (!numeric || !isScalar(delta) || field === 'id' || field === 'version') {
      throw new InvalidDocument(`${collection.name}.${field} cannot be incremented so`, place)
    }
    const own = bounds[field]
    if (own === undefined) continue
    const { atLeast = delta, atMost = delta } = own
    // One kind of number for a field: int64 and double do not mix without loss.
    if (typeof atLeast !== typeof delta || typeof atMost !== typeof delta) {
      throw new InvalidDocument(`${collection.name}.${field}: the bounds are of another type`, place)
    }
  }
  for (const field of Object.keys(bounds)) {
    if (!(field in by))
      throw new InvalidDocument(`${collection.name}.${field} has bounds and no increment`, place)
  }
  const created = { ...create, ...by, id: write.id }
  checkValue(created, place)
  // Whether `create` has the partition matters only if there is no document: the adapter finds out.
  checkFields(collection, created, place)
}

/** Refuses an insertMany that is too long or holds a document that `checkDocument` refuses. */
export function checkInsertMany(collection: Collection, documents: readonly Document[]): void {
  if (documents.length > limits.insertManyDocuments) {
    throw new TooLarge(`${collection.name}: ${documents.length} documents at once`, {
      collection: collection.name,
    })
  }
  for (const [position, document] of documents.entries()) checkDocument(collection, document, position)
}

/** Refuses a selection that the index cannot answer: `equals` is a prefix of its keys and the range is on the next. */
export function checkSelection(index: Index, { equals, range }: Selection): void {
  const place = { collection: index.collection.name, index: index.name }
  const refuse = (why: string) => new InvalidQuery(`${index.collection.name}.${index.name}: ${why}`, place)
  if (equals.length > index.keys.length) throw refuse('more values than keys')
  if (!equals.every(isScalar)) throw refuse('a value that cannot be a key')
  const each = index.keys.findIndex((key) => key.each)
  if (each >= equals.length) throw refuse('a [] key must be among equals')
  if (each >= 0 && equals[each] === null) throw refuse('null is no element of a [] key')
  const bounds = rangeBounds(range)
  if (bounds.length > 0 && equals.length === index.keys.length) throw refuse('no key is left for the range')
  if (!bounds.every((bound) => bound !== null && isScalar(bound)))
    throw refuse('a bound that cannot be a key')
}

function rangeBounds(range: Range = {}): (Scalar | undefined)[] {
  return [range.from, range.after, range.before, range.upTo].filter((bound) => bound !== undefined)
}

/** Refuses a query whose selection, limit or order is wrong; gives its limit (50 when not given). */
export function checkQuery(index: Index, query: Query): number {
  checkSelection(index, query)
  const { limit = 50, order = 'asc' } = query
  const place = { collection: index.collection.name, index: index.name }
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.pageDocuments) {
    throw new InvalidQuery(`limit is 1 to ${limits.pageDocuments}`, place)
  }
  if (order !== 'asc' && order !== 'desc') throw new InvalidQuery('order is asc or desc', place)
  return limit
}
