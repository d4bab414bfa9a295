import type { z } from 'zod'
import { InvalidQuery } from './errors.ts'
import { fieldTypes } from './field-type.ts'
import type { ScalarType } from './field-type.ts'
import type { Scalar } from './scalar.ts'

export type { Scalar } from './scalar.ts'

/** The least that a stored document has. */
export interface Document {
  id: string
}

type FieldOf<T> = T extends unknown ? keyof T & string : never
type KeyOf<T> = FieldOf<T> | `${FieldOf<T>}[]`

/** Which documents a partial index holds: fields equal to a value, or present (null counts as present). */
export type Where = Readonly<Record<string, Scalar | { readonly exists: true }>>

/** An index as it is declared: its keys, or its keys with `unique` and `where`. */
export type IndexDeclaration<K extends string = string> =
  | readonly K[]
  | { readonly keys: readonly K[]; readonly unique?: boolean; readonly where?: Where }

/** One key of an index; `each` marks `field[]`, which has an entry for each element of the array. */
export interface IndexKey {
  readonly field: string
  readonly each: boolean
}

/** A declared index, the handle that every query names. */
export interface Index<T extends Document = Document> {
  readonly collection: Collection<T>
  readonly name: string
  readonly keys: readonly IndexKey[]
  readonly unique: boolean
  readonly where: Where | undefined
  /** The type of each key's values, undefined where the schema does not tell. */
  readonly types: readonly (ScalarType | undefined)[]
}

/** A declared collection; its indexes are also its properties (`agreements.byBuyer`). */
export interface Collection<T extends Document = Document> {
  readonly name: string
  readonly schema: z.ZodType<T>
  /** The field by which a cluster spreads the documents, or `id`. */
  readonly partition: string
  readonly indexes: readonly Index<T>[]
  /** A Date field; the document is gone some time after it. */
  readonly expires: string | undefined
  /** Read far more often than written to. A store may then keep in memory what it reads, as long as it holds, and hand it
   * out frozen. */
  readonly readMostly: boolean
}

/** What `collection` is told. */
export interface CollectionDeclaration<S, I, F> {
  schema: S
  partition: F
  indexes?: I
  expires?: F
  readMostly?: boolean
}

/**
 * Declares a collection. Throws InvalidQuery where the declaration promises what a cluster cannot keep: a unique
 * index that does not begin with the partition, two `[]` keys in an index, or an indexed field of several types.
 */
export function collection<
  T extends Document,
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- no indexes, no handles
  const I extends Readonly<Record<string, IndexDeclaration<KeyOf<T>>>> = Record<never, never>,
>(
  name: string,
  declaration: CollectionDeclaration<z.ZodType<T>, I, FieldOf<T>>,
): Collection<T> & { readonly [K in keyof I]: Index<T> } {
  const { schema, partition, expires, readMostly = false } = declaration
  if (!identifier.test(name)) throw new InvalidQuery(`${name} cannot name a collection`)
  const indexes: Index<T>[] = []
  const declared = { name, schema, partition, indexes, expires, readMostly }
  for (const [key, value] of Object.entries<IndexDeclaration>(declaration.indexes ?? {})) {
    if (key in declared) throw new InvalidQuery(`${key} cannot name an index of ${name}`)
    const index = { collection: declared, name: key, ...readDeclaration(value) }
    checkIndex(index)
    indexes.push({ ...index, types: index.keys.map((of) => keyType(index, of)) })
  }
  const handles = Object.fromEntries(indexes.map((index) => [index.name, index]))
  // The handles' names are the declaration's own keys.
  return Object.assign(declared, handles as { readonly [K in keyof I]: Index<T> })
}

type Declared = Omit<Index, 'types'>

const identifier = /^[A-Za-z][A-Za-z0-9_]{0,47}$/

function readDeclaration(value: IndexDeclaration): Pick<Index, 'keys' | 'unique' | 'where'> {
  const { keys, unique = false, where } = isList(value) ? { keys: value } : value
  return {
    keys: keys.map((key) => ({ field: key.replace(/\[\]$/, ''), each: key.endsWith('[]') })),
    unique,
    where,
  }
}

function isList(value: IndexDeclaration): value is readonly string[] {
  return Array.isArray(value)
}

/** Values of two types in one index would be in another order on another database. */
function keyType({ collection, name }: Declared, { field, each }: IndexKey): ScalarType | undefined {
  const types = fieldTypes(collection.schema, field, each)
  if (types === undefined || types.size <= 1) return types?.values().next().value
  const why = `${field} may be ${[...types].join(' or ')}, and an indexed field has one type`
  throw new InvalidQuery(`index ${collection.name}.${name}: ${why}`, {
    collection: collection.name,
    index: name,
  })
}

function checkIndex({ collection, name, keys, unique, where }: Declared): void {
  const place = { collection: collection.name, index: name }
  const refuse = (why: string) => new InvalidQuery(`index ${collection.name}.${name}: ${why}`, place)
  if (!identifier.test(name)) throw refuse('a name has letters, digits and _ only')
  if (keys.length === 0 || keys.length > 8) throw refuse('1 to 8 keys')
  const fields = [...keys.map((key) => key.field), ...Object.keys(where ?? {})]
  if (!fields.every((field) => identifier.test(field)))
    throw refuse('a key is a field of the document itself')
  if (keys.filter((key) => key.each).length > 1) throw refuse('one [] key at most')
  if (new Set(keys.map((key) => key.field)).size < keys.length) throw refuse('a field twice')
  if (unique && (collection.partition === 'id' || keys[0]?.field !== collection.partition || keys[0].each)) {
    throw refuse('a unique index begins with the partition, which is not the id: make the natural key the id')
  }
}
