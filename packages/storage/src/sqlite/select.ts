import type { Index, Scalar } from '../collection.ts'
import { decodeCursor } from '../cursor.ts'
import type { Query, Selection } from '../store.ts'
import { columnOf, type IndexLayout, type Layout, memberColumn } from './layout.ts'
import { type Column, toColumn } from './row.ts'

/** A statement and its values. Queries that differ in their values alone have the same text, to the very string. */
export interface Select {
  sql: string
  values: Column[]
}

/** The page of a query: version and body of each document, one more than `limit` so that `next` is known. */
export function selectPage(layout: Layout, index: Index, query: Query, limit: number): Select {
  const at = indexOf(layout, index)
  const values = keysOf(query)
  const { equals, after } = query
  if (after !== undefined) values.push(...placeOf(at, decodeCursor(after, index, equals), equals.length))
  values.push(limit + 1)
  return { sql: textOf(at, 'page', query, () => pageText(layout, at, query)), values }
}

/** The number of entries of a selection, up to `atMost`. */
export function selectCount(layout: Layout, index: Index, selection: Selection, atMost: number): Select {
  const at = indexOf(layout, index)
  const values = [...keysOf(selection), atMost]
  return { sql: textOf(at, 'count', selection, () => countText(layout, at, selection)), values }
}

function indexOf(layout: Layout, { name }: Index): IndexLayout {
  const index = layout.indexes.find((index) => index.name === name)
  if (index === undefined) throw new TypeError(`${layout.name} has no index ${name}`)
  return index
}

const texts = new WeakMap<IndexLayout, Map<string, string>>()

/** The text of a statement, written once for all queries that differ in their values alone. */
function textOf(
  index: IndexLayout,
  use: 'page' | 'count',
  { equals, range, order = 'asc', after }: Query,
  write: () => string,
): string {
  let known = texts.get(index)
  if (known === undefined) texts.set(index, (known = new Map()))
  const bounds = range === undefined ? '' : boundsOf(range).join()
  const shape = `${use} ${equals.length} ${order} ${after === undefined} ${bounds}`
  let text = known.get(shape)
  if (text === undefined) known.set(shape, (text = write()))
  return text
}

const operators = { from: '>=', after: '>', before: '<', upTo: '<=' } as const
type Bound = keyof typeof operators

function boundsOf(range: NonNullable<Query['range']>): Bound[] {
  return (['from', 'after', 'before', 'upTo'] as const).filter((bound) => range[bound] !== undefined)
}

/** The values of a selection: those of `equals`, then the bounds of its range. */
function keysOf({ equals, range }: Selection): Column[] {
  const values = equals.map(toColumn)
  if (range !== undefined) for (const bound of boundsOf(range)) values.push(toColumn(range[bound]))
  return values
}

/** The values of a cursor's place. After the only document of a whole unique key there is nothing. */
function placeOf(index: IndexLayout, { key, id }: { key: Scalar[]; id: string }, equals: number): Column[] {
  const place = key.slice(equals)
  if (lacksId(index)) place.push(id)
  return place.length === 0 ? [0] : place.map(toColumn)
}

/** Whether the id must be added to an index's columns to tell all its entries apart. */
function lacksId({ unique, columns }: IndexLayout): boolean {
  return !unique && !columns.includes('id')
}

function pageText(layout: Layout, index: IndexLayout, query: Query): string {
  const { equals, order = 'asc', after } = query
  const alias = aliasOf(index)
  const columns = lacksId(index) ? [...index.columns, 'id'] : index.columns
  const sorted = columns.slice(equals.length).map((column) => `${alias}.${column}`)
  const where = termsOf(index, query)
  if (after !== undefined) {
    const marks = sorted.map(() => '?').join()
    where.push(sorted.length === 0 ? '?' : `(${sorted.join()}) ${order === 'asc' ? '>' : '<'} (${marks})`)
  }
  const direction = order === 'asc' ? '' : ' DESC'
  const by = sorted.length === 0 ? '' : ` ORDER BY ${sorted.map((column) => column + direction).join()}`
  return `SELECT d.version, d.body ${from(layout, index, 'page')} WHERE ${where.join(' AND ')}${by} LIMIT ?`
}

function countText(layout: Layout, index: IndexLayout, selection: Selection): string {
  const where = termsOf(index, selection).join(' AND ')
  return `SELECT count(*) AS total FROM (SELECT 1 ${from(layout, index, 'count')} WHERE ${where} LIMIT ?)`
}

/** The terms of a selection, in the order of `keysOf`. */
function termsOf(index: IndexLayout, selection: Query): string[] {
  const alias = aliasOf(index)
  const column = (position: number) => `${alias}.${index.columns[position]}`
  const { equals, range = {} } = selection
  const terms = equals.map((_, position) => `${column(position)} = ?`)
  if (index.where !== undefined && !index.each) terms.unshift(`d.${memberColumn(index)} = 1`)
  const bounds = boundsOf(range)
  terms.push(...rangeTerms(column(equals.length), bounds, selection))
  // Every column is at or above minus infinity: this makes the whole index a search, as all queries are.
  if (equals.length + bounds.length === 0) terms.push(`${column(0)} >= -9e999`)
  return terms
}

/** The alias of the table that has an index's columns. */
function aliasOf({ each }: IndexLayout): string {
  return each ? 'e' : 'd'
}

function from(layout: Layout, index: IndexLayout, use: 'page' | 'count'): string {
  if (!index.each) return `FROM ${layout.table} d INDEXED BY ${index.sqlName}`
  if (use === 'count') return `FROM ${index.sqlName} e`
  return `FROM ${index.sqlName} e CROSS JOIN ${layout.table} d ON d.n = e.doc`
}

function rangeTerms(column: string, bounds: readonly Bound[], { order = 'asc', after }: Query): string[] {
  const terms = bounds.map((bound) => {
    const lower = bound === 'from' || bound === 'after'
    // Where a cursor is the tighter bound, the unary plus keeps SQLite from starting at the looser one.
    const loose = after !== undefined && lower === (order === 'asc')
    return `${loose ? '+' : ''}${column} ${operators[bound]} ?`
  })
  const open = bounds.length > 0 && !bounds.includes('from') && !bounds.includes('after')
  // Null, kept as minus infinity, is in no range.
  if (open) terms.push(`${after !== undefined && order === 'asc' ? '+' : ''}${column} > -9e999`)
  return terms
}

/** The documents whose `expires` has passed. */
export function selectExpired(layout: Layout, field: string): string {
  const column = columnOf(field)
  return `SELECT id FROM ${layout.table} INDEXED BY x_${layout.name} WHERE ${column} > -9e999 AND ${column} <= ? LIMIT 500`
}
