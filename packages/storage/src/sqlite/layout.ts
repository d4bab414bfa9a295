import type { Collection, Index } from '../collection.ts'

/** What the writer thread and the reader know of an index: its declaration as plain data, and its names in SQL. */
export interface IndexLayout extends Pick<Index, 'name' | 'keys' | 'unique' | 'where'> {
  /** The SQL index, or the side table of a `[]` index. */
  readonly sqlName: string
  /** Whether it has an entry for each element of an array, in a table of its own. */
  readonly each: boolean
  /** The column of each key, in the collection's table or in the side table. */
  readonly columns: readonly string[]
}

/** How a collection lies in SQL. Plain data, so that it can be sent to the writer thread. */
export interface Layout {
  readonly name: string
  readonly table: string
  /** The fields that have a column of their own. */
  readonly fields: readonly string[]
  readonly indexes: readonly IndexLayout[]
  readonly partition: string
  readonly expires: string | undefined
  readonly readMostly: boolean
  /** The declaration as text: two processes that differ in it must not write the same table. */
  readonly declaration: string
}

/** The layout of a declared collection. */
export function layoutOf(collection: Collection): Layout {
  const { name, partition, expires, readMostly } = collection
  const indexes = collection.indexes.map((index) => indexLayout(name, index))
  const fields = new Set(expires === undefined ? [] : [expires])
  for (const index of indexes) {
    if (!index.each) for (const { field } of index.keys) fields.add(field)
  }
  fields.delete('id')
  const declared = indexes.map((index) => [index.name, index.keys, index.unique, index.where])
  // Told apart only where it is true: what a file holds of the others was declared without it.
  const whole = [partition, expires, declared, ...(readMostly ? ['readMostly'] : [])]
  const declaration = JSON.stringify(whole, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return {
    name,
    table: `d_${name}`,
    fields: [...fields],
    indexes,
    partition,
    expires,
    readMostly,
    declaration,
  }
}

function indexLayout(collection: string, { name, keys, unique, where }: Index): IndexLayout {
  const each = keys.some((key) => key.each)
  return {
    name,
    keys,
    unique,
    where,
    each,
    sqlName: `${each ? 'e' : 'i'}_${collection}__${name}`,
    columns: keys.map((key, position) => (each ? `k${position}` : columnOf(key.field))),
  }
}

/** The column of a field. */
export function columnOf(field: string): string {
  return field === 'id' ? 'id' : `f_${field}`
}

/** The column that says whether a document is in a partial index. */
export function memberColumn(index: IndexLayout): string {
  return `w_${index.name}`
}

/** The partial indexes that are kept in the collection's own table. */
export function partialIndexes(layout: Layout): IndexLayout[] {
  return layout.indexes.filter((index) => index.where !== undefined && !index.each)
}

/** The indexes that have a side table. */
export function sideIndexes(layout: Layout): IndexLayout[] {
  return layout.indexes.filter((index) => index.each)
}

/** The columns of a row that follow from the document's fields, in the order of `rowOf`. */
export function derivedColumns(layout: Layout): string[] {
  return [...layout.fields.map(columnOf), ...partialIndexes(layout).map(memberColumn)]
}
