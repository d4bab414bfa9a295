import type { Index, Scalar } from '../collection.ts'
import { decodeCursor } from '../cursor.ts'
import type { Query, Selection } from '../store.ts'
import { columnOf, type IndexLayout, type Layout, memberColumn } from './layout.ts'
import { type Column, toColumn } from './row.ts'

/** A statement and its values. */
export interface Select {
  sql: string
  values: Column[]
}

interface Terms {
  index: IndexLayout
  /** `FROM` with the one index that answers. */
  from: string
  where: string[]
  values: Column[]
  column: (position: number) => string
  id: string
}

/** The page of a query: version and body of each document, one more than `limit` so that `next` is known. */
export function selectPage(layout: Layout, index: Index, query: Query, limit: number): Select {
  const terms = select(layout, index, query, 'page')
  const { equals, order = 'asc', after } = query
  const rest = terms.index.columns.slice(equals.length).map((_, at) => terms.column(equals.length + at))
  const lacksId = !terms.index.unique && !terms.index.columns.includes('id')
  const sorted = lacksId ? [...rest, terms.id] : rest
  if (after !== undefined) {
    const { key, id } = decodeCursor(after, index, equals)
    const place: Scalar[] = key.slice(equals.length)
    if (lacksId) place.push(id)
    const marks = sorted.map(() => '?').join()
    // After the only document of a whole unique key there is nothing.
    terms.where.push(
      sorted.length === 0 ? '?' : `(${sorted.join()}) ${order === 'asc' ? '>' : '<'} (${marks})`,
    )
    terms.values.push(...(sorted.length === 0 ? [0] : place.map(toColumn)))
  }
  const direction = order === 'asc' ? '' : ' DESC'
  const by = sorted.length === 0 ? '' : ` ORDER BY ${sorted.map((column) => column + direction).join()}`
  return {
    sql: `SELECT d.version, d.body ${terms.from} WHERE ${terms.where.join(' AND ')}${by} LIMIT ${limit + 1}`,
    values: terms.values,
  }
}

/** The number of entries of a selection, up to `atMost`. */
export function selectCount(layout: Layout, index: Index, selection: Selection, atMost: number): Select {
  const { from, where, values } = select(layout, index, selection, 'count')
  const entries = `SELECT 1 ${from} WHERE ${where.join(' AND ')} LIMIT ?`
  return { sql: `SELECT count(*) AS total FROM (${entries})`, values: [...values, atMost] }
}

function select(
  layout: Layout,
  { name }: Index,
  selection: Selection & { order?: Query['order']; after?: string | undefined },
  use: 'page' | 'count',
): Terms {
  const index = layout.indexes.find((index) => index.name === name)
  if (index === undefined) throw new TypeError(`${layout.name} has no index ${name}`)
  const alias = index.each ? 'e' : 'd'
  const terms: Terms = {
    index,
    from: from(layout, index, use),
    where: [],
    values: [],
    column: (position) => `${alias}.${index.columns[position]}`,
    id: `${alias}.id`,
  }
  if (index.where !== undefined && !index.each) terms.where.push(`d.${memberColumn(index)} = 1`)
  for (const [position, value] of selection.equals.entries()) {
    terms.where.push(`${terms.column(position)} = ?`)
    terms.values.push(toColumn(value))
  }
  addRange(terms, selection)
  // Every column is at or above minus infinity: this makes the whole index a search, as all queries are.
  if (terms.values.length === 0) terms.where.push(`${terms.column(0)} >= -9e999`)
  return terms
}

function from(layout: Layout, index: IndexLayout, use: 'page' | 'count'): string {
  if (!index.each) return `FROM ${layout.table} d INDEXED BY ${index.sqlName}`
  if (use === 'count') return `FROM ${index.sqlName} e`
  return `FROM ${index.sqlName} e CROSS JOIN ${layout.table} d ON d.n = e.doc`
}

const operators = { from: '>=', after: '>', before: '<', upTo: '<=' } as const

function addRange(
  terms: Terms,
  { equals, range = {}, order = 'asc', after: cursor }: Selection & Pick<Query, 'order' | 'after'>,
): void {
  const column = terms.column(equals.length)
  const bounds = (['from', 'after', 'before', 'upTo'] as const).filter((bound) => range[bound] !== undefined)
  for (const bound of bounds) {
    const lower = bound === 'from' || bound === 'after'
    // Where a cursor is the tighter bound, the unary plus keeps SQLite from starting at the looser one.
    const loose = cursor !== undefined && lower === (order === 'asc')
    terms.where.push(`${loose ? '+' : ''}${column} ${operators[bound]} ?`)
    terms.values.push(toColumn(range[bound]))
  }
  const open = bounds.length > 0 && range.from === undefined && range.after === undefined
  // Null, kept as minus infinity, is in no range.
  if (open) terms.where.push(`${cursor !== undefined && order === 'asc' ? '+' : ''}${column} > -9e999`)
}

/** The documents whose `expires` has passed. */
export function selectExpired(layout: Layout, field: string): string {
  const column = columnOf(field)
  return `SELECT id FROM ${layout.table} INDEXED BY x_${layout.name} WHERE ${column} > -9e999 AND ${column} <= ? LIMIT 500`
}
