import { createHash } from 'node:crypto'
import { serialize } from 'bson'
import type { Collection, Index, IndexKey } from '../collection.ts'

/** An index as MongoDB is told of it. */
export interface IndexSpec {
  name: string
  key: Record<string, 1 | 'hashed'>
  unique?: true
  partialFilterExpression?: Record<string, unknown>
  expireAfterSeconds?: 0
}

/** Indexes that this adapter made: a declared name (or `_expires`, `_partition`) and eight digits of what it holds. */
export const ownIndexName = /^[A-Za-z_][A-Za-z0-9_]*\.[0-9a-f]{8}$/

/** The name of a field in MongoDB. */
export function rowField(field: string): string {
  return field === 'id' ? '_id' : field
}

/** Whether the id follows the keys in the index, to order what they leave equal; a unique index leaves nothing equal. */
export function hasIdLast({ keys, unique }: { keys: readonly IndexKey[]; unique: boolean }): boolean {
  return !unique && !keys.some((key) => key.field === 'id')
}

const specs = new WeakMap<Index, IndexSpec>()

/**
 * The MongoDB index of a declared one. Its name changes with its definition, so that a new definition is built beside
 * the old one, which is dropped after.
 */
export function indexSpec(index: Index): IndexSpec {
  const known = specs.get(index)
  if (known !== undefined) return known
  const key: IndexSpec['key'] = {}
  for (const { field } of index.keys) key[rowField(field)] = 1
  if (hasIdLast(index)) key['_id'] = 1
  const spec = named(index.name, {
    key,
    ...(index.unique ? { unique: true } : {}),
    ...(index.where === undefined ? {} : { partialFilterExpression: whereFilter(index.where) }),
  })
  specs.set(index, spec)
  return spec
}

/** All indexes of a collection: the declared ones, the one by which documents expire, the one of the shard key. */
export function indexSpecs(collection: Collection, sharded: boolean): IndexSpec[] {
  const all = collection.indexes.map(indexSpec)
  const { expires } = collection
  if (expires !== undefined) all.push(named('_expires', { key: { [expires]: 1 }, expireAfterSeconds: 0 }))
  if (sharded) all.push(named('_partition', { key: shardKey(collection) }))
  return all
}

/** How a cluster spreads a collection: by the partition, so that its unique keys hold, or by the hash of the id. */
export function shardKey({ partition }: Collection): Record<string, 1 | 'hashed'> {
  return partition === 'id' ? { _id: 'hashed' } : { [partition]: 1 }
}

/** What documents of a partial index must hold. A query repeats it, or MongoDB would not use the index. */
export function whereFilter(where: NonNullable<Index['where']>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(where).map(([field, value]) => [
      rowField(field),
      typeof value === 'object' && value !== null && 'exists' in value ? { $exists: true } : value,
    ]),
  )
}

function named(name: string, definition: Omit<IndexSpec, 'name'>): IndexSpec {
  const digest = createHash('sha256').update(serialize(definition)).digest('hex')
  return { name: `${name}.${digest.slice(0, 8)}`, ...definition }
}
