import type { Document, Scalar, Where } from '../collection.ts'
import { type IndexLayout, type Layout, partialIndexes } from './layout.ts'

/** A value as SQLite keeps it in a column. */
export type Column = string | number | bigint | Uint8Array

/** Below every number, text and blob, and equal to itself even in a unique index, as null is in MongoDB. */
const nullColumn = -Infinity

/** The column of a key: columns sort as the keys do. Bytes sort by length first, as in MongoDB. */
export function toColumn(value: Scalar | undefined): Column {
  if (value === undefined || value === null) return nullColumn
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return BigInt(value.getTime())
  if (!(value instanceof Uint8Array)) return value
  const sized = new Uint8Array(4 + value.length)
  new DataView(sized.buffer).setUint32(0, value.length)
  sized.set(value, 4)
  return sized
}

/** The derived columns of a document, in the order of `derivedColumns`. */
export function rowOf(layout: Layout, document: Document): Column[] {
  const fields = document as Document & Record<string, Scalar | undefined>
  const row = layout.fields.map((field) => toColumn(fields[field]))
  for (const index of partialIndexes(layout)) row.push(isMember(document, index.where) ? 1 : 0)
  return row
}

/** The keys under which a document stands in a side table: one for each different element of its array. */
export function entriesOf(index: IndexLayout, document: Document): Column[][] {
  const fields = document as Document & Record<string, Scalar | undefined>
  const each = index.keys.findIndex((key) => key.each)
  const elements: unknown = fields[index.keys[each]?.field ?? '']
  if (!Array.isArray(elements) || !isMember(document, index.where)) return []
  const entries = new Map<string, Column[]>()
  for (const element of elements as Scalar[]) {
    const entry = index.keys.map((key, position) => toColumn(position === each ? element : fields[key.field]))
    entries.set(entryName(entry[each]), entry)
  }
  return [...entries.values()]
}

function entryName(column: Column | undefined): string {
  // A number and a bigint of one value are one key.
  return column instanceof Uint8Array
    ? `b${Buffer.from(column).toString('hex')}`
    : `${typeof column === 'string' ? 's' : 'n'}${column}`
}

/** Whether a partial index holds the document. */
export function isMember(document: Document, where: Where | undefined): boolean {
  if (where === undefined) return true
  const fields = document as Document & Record<string, Scalar | undefined>
  return Object.entries(where).every(([field, wanted]) => {
    const value = fields[field]
    if (!isKey(wanted)) return value !== undefined
    if (wanted === null) return value === undefined || value === null
    return value !== undefined && value !== null && sameColumn(toColumn(value), toColumn(wanted))
  })
}

function isKey(wanted: Where[string]): wanted is Scalar {
  return !(typeof wanted === 'object' && wanted !== null && 'exists' in wanted)
}

function sameColumn(left: Column, right: Column): boolean {
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0
  return left === right || (typeof left !== 'string' && typeof right !== 'string' && left == right)
}
