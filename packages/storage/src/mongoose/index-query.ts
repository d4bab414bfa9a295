import type { Index, Scalar } from '../collection.ts'
import type { Cursor } from '../cursor.ts'
import type { Query, Selection } from '../store.ts'
import { hasIdLast, indexSpec, rowField, whereFilter } from './index-spec.ts'

type Clause = Record<string, unknown>
type Order = NonNullable<Query['order']>

/** What a query on an index is to MongoDB. */
export interface IndexQuery {
  filter: Clause
  sort: Record<string, 1 | -1>
  /** The index that must answer; MongoDB refuses the query when it is not there. */
  hint: string
}

/**
 * The filter, sort and hint of a query on an index. The sort is the order of the index, so the documents come as they
 * stand in it and nothing is sorted; a cursor becomes a comparison with the key and id where the page before ended.
 */
export function indexQuery(
  index: Index,
  selection: Selection,
  order: Order = 'asc',
  cursor?: Cursor,
): IndexQuery {
  const clauses = selectionClauses(index, selection)
  if (cursor !== undefined) clauses.push(...cursorClauses(index, selection.equals.length, order, cursor))
  const direction = order === 'asc' ? 1 : -1
  const sort: IndexQuery['sort'] = {}
  for (const { field } of index.keys.slice(selection.equals.length)) sort[rowField(field)] = direction
  if (hasIdLast(index)) sort['_id'] = direction
  return { filter: all(clauses), sort, hint: indexSpec(index).name }
}

function selectionClauses({ keys, where }: Index, { equals, range }: Selection): Clause[] {
  const clauses = Object.entries(whereFilter(where ?? {})).map(([field, value]): Clause => ({
    [field]: value,
  }))
  const fields = keys.map((key) => rowField(key.field))
  for (const [position, value] of equals.entries()) clauses.push({ [fields[position] ?? '']: { $eq: value } })
  const next = fields[equals.length]
  if (next === undefined || range === undefined) return clauses
  const bounds = { $gte: range.from, $gt: range.after, $lt: range.before, $lte: range.upTo }
  for (const [operator, bound] of Object.entries(bounds)) {
    if (bound !== undefined) clauses.push({ [next]: { [operator]: bound } })
  }
  return clauses
}

/**
 * "Beyond (a, b, id)" is: a beyond, or a equal and b beyond, or both equal and the id beyond. The first clause says
 * again what follows for `a` alone: from it MongoDB takes the bounds of the index scan.
 */
function cursorClauses(index: Index, fixed: number, order: Order, { key, id }: Cursor): Clause[] {
  const keys = index.keys
    .map(({ field }, position): [string, Scalar] => [rowField(field), key[position] ?? null])
    .slice(fixed)
  if (hasIdLast(index)) keys.push(['_id', id])
  const options = keys.flatMap(([field, value], position) => {
    const beyond = beyondClause(field, value, order)
    const equal = keys.slice(0, position).map(([field, value]): Clause => ({ [field]: { $eq: value } }))
    return beyond === undefined ? [] : [all([...equal, beyond])]
  })
  // Nothing comes after null when the order is descending, nor after the only document of a whole unique key.
  if (options.length === 0) return [{ _id: { $in: [] } }]
  const [first] = keys
  const bound = first === undefined ? undefined : atOrBeyondClause(...first, order)
  return [
    ...(bound === undefined ? [] : [bound]),
    options.length === 1 ? { ...options[0] } : { $or: options },
  ]
}

/** Null and absent come first in an index, and MongoDB's `$gt` and `$lt` never match them: `$not` and `$ne` do. */
function beyondClause(field: string, value: Scalar, order: Order): Clause | undefined {
  if (order === 'asc') return { [field]: value === null ? { $ne: null } : { $gt: value } }
  return value === null ? undefined : { [field]: { $not: { $gte: value } } }
}

function atOrBeyondClause(field: string, value: Scalar, order: Order): Clause | undefined {
  if (order === 'asc') return value === null ? undefined : { [field]: { $gte: value } }
  return { [field]: value === null ? { $eq: null } : { $not: { $gt: value } } }
}

function all(clauses: Clause[]): Clause {
  return clauses.length === 0 ? {} : clauses.length === 1 ? { ...clauses[0] } : { $and: clauses }
}
