import mongoose from 'mongoose'
import type { Collection } from '../collection.ts'
import { indexSpecs, ownIndexName, shardKey, type IndexSpec } from './index-spec.ts'
import { guarded } from './mongo-error.ts'

/** Reports the progress of long work. */
export type Log = (message: string, fields: Record<string, unknown>) => void

/** What it takes to build: the model of a collection, and whether the server is a sharded cluster. */
export interface BuildOptions {
  model: RowModel
  sharded: boolean
  log: Log
}

/** A model whose documents are only ever read and written through the driver. */
export type RowModel = Pick<mongoose.Model<unknown>, 'createCollection' | 'collection' | 'db'>

const namespaceExists = 48
const indexNotFound = 27

/**
 * Makes a collection and the indexes that its declaration asks for, all in one pass over the documents, then drops the
 * indexes made for earlier declarations (never others), and spreads the collection over a sharded cluster.
 * Safe to run from several processes at once, and again.
 */
export async function buildCollection(
  collection: Collection,
  { model, sharded, log }: BuildOptions,
): Promise<void> {
  const { name } = collection
  await guarded({ collection: name }, async () => {
    await ignoring(namespaceExists, () => model.createCollection())
    const wanted = indexSpecs(collection, sharded)
    const present = (await model.collection.listIndexes().toArray()) as IndexSpec[]
    const missing = wanted.filter((spec) => !present.some((index) => index.name === spec.name))
    const stale = present.filter(
      (index) => ownIndexName.test(index.name) && !wanted.some((spec) => spec.name === index.name),
    )
    // MongoDB takes no second index of the same keys, so the one it would be confused with goes first.
    const [inTheWay, replaced] = partition(stale, (index) => missing.some((spec) => sameKeys(spec, index)))
    for (const index of inTheWay) await dropIndex(model, name, index, log)
    if (missing.length > 0) {
      log('building indexes', { collection: name, indexes: missing.map((spec) => spec.name) })
      await model.collection.createIndexes(missing)
      log('built indexes', { collection: name, indexes: missing.map((spec) => spec.name) })
    }
    for (const index of replaced) await dropIndex(model, name, index, log)
    if (sharded) await shard(collection, model)
  })
}

async function shard(collection: Collection, { db, collection: { name } }: RowModel): Promise<void> {
  const admin = db.getClient().db('admin')
  await admin.command({ enableSharding: db.name })
  // Answers ok when the collection is already sharded by this key.
  await admin.command({ shardCollection: `${db.name}.${name}`, key: shardKey(collection) })
}

async function dropIndex(model: RowModel, collection: string, { name }: IndexSpec, log: Log): Promise<void> {
  await ignoring(indexNotFound, () => model.collection.dropIndex(name))
  log('dropped an index that is no longer declared', { collection, index: name })
}

async function ignoring(code: number, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof mongoose.mongo.MongoServerError) || error.code !== code) throw error
  }
}

function sameKeys(left: IndexSpec, right: IndexSpec): boolean {
  return JSON.stringify(left.key) === JSON.stringify(right.key)
}

function partition<T>(items: T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}
