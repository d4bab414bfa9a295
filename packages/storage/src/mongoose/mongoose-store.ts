import { calculateObjectSize } from 'bson'
import mongoose from 'mongoose'
import { attempt } from '../attempt.ts'
import type { Collection, Document, Index } from '../collection.ts'
import { decodeCursor, encodeCursor, indexKey } from '../cursor.ts'
import { InvalidQuery, Unavailable } from '../errors.ts'
import type { StoreOptions } from '../store-options.ts'
import { scanPages } from '../scan-pages.ts'
import type { Page, Query, Selection, Store, Stored } from '../store.ts'
import * as check from '../validate.ts'
import type { Write } from '../write.ts'
import { buildCollection, type Log } from './build-collections.ts'
import { connect, databaseName, topologyOf, type Topology } from './connect.ts'
import { indexQuery } from './index-query.ts'
import { insertEach } from './insert-each.ts'
import { guarded } from './mongo-error.ts'
import { fromRow, type Row } from './row.ts'
import { takeTurns } from './take-turns.ts'
import { documentKey, writeAll } from './transaction.ts'
import type { Rows } from './rows.ts'
import { writeOne } from './write-one.ts'

/** Opens (and makes, if need be) the database `name` on the server of a `mongodb://` or `mongodb+srv://` URL. */
export async function openMongooseStore(
  url: string,
  { name, collections, log = () => {} }: StoreOptions,
): Promise<MongooseStore> {
  const connection = await connect(url, databaseName(url, name))
  try {
    const store = new MongooseStore(connection, await topologyOf(connection), log)
    await store.createCollections(collections)
    return store
  } catch (error) {
    await connection.destroy()
    throw error
  }
}

/** The store in a MongoDB database, through a connection of its own. */
class MongooseStore implements Store {
  readonly attempt = attempt
  readonly #connection: mongoose.Connection
  readonly #topology: Topology
  readonly #log: Log
  readonly #rows = new Map<string, Rows>()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #inTurn = takeTurns()
  #closed: Promise<void> | undefined

  constructor(connection: mongoose.Connection, topology: Topology, log: Log) {
    this.#connection = connection
    this.#topology = topology
    this.#log = log
  }

  /** Whether a commit may hold several writes. A service must not start where it may not. */
  get transactions(): boolean {
    return this.#topology.transactions
  }

  async get<T extends Document>(collection: Collection<T>, id: string): Promise<Stored<T> | undefined> {
    const rows = this.#of(collection)
    const row = await this.#read(collection, () => rows.findOne({ _id: { $eq: id } }))
    return row === null ? undefined : fromRow<T>(row)
  }

  async getMany<T extends Document>(collection: Collection<T>, ids: readonly string[]) {
    check.checkIds(ids, collection)
    const rows = this.#of(collection)
    if (ids.length === 0) return []
    const found = await this.#read(collection, () =>
      rows.find({ _id: { $in: [...new Set(ids)] } }, { batchSize: ids.length + 1 }).toArray(),
    )
    const byId = new Map(found.map((row) => [row._id, row]))
    return ids.map((id) => {
      const row = byId.get(id)
      return row && fromRow<T>(row)
    })
  }

  async find<T extends Document>(index: Index<T>, query: Query): Promise<Page<T>> {
    const limit = check.checkQuery(index, query)
    const rows = this.#of(index.collection)
    const cursor = query.after === undefined ? undefined : decodeCursor(query.after, index, query.equals)
    const { filter, sort, hint } = indexQuery(index, query, query.order, cursor)
    // One more than the page, so that `next` is known, in one batch.
    const found = await this.#read(index.collection, () =>
      rows.find(filter, { sort, hint, limit: limit + 1, batchSize: limit + 2 }).toArray(),
    )
    const items = found.slice(0, limit).map((row) => fromRow<T>(row))
    const last = items.at(-1)
    if (found.length <= limit || last === undefined) return { items }
    return { items, next: encodeCursor({ key: indexKey(index, query, last), id: last.id }) }
  }

  scan<T extends Document>(
    index: Index<T>,
    query: Selection & Pick<Query, 'order'>,
  ): AsyncIterable<Stored<T>> {
    return scanPages(this, index, query)
  }

  async *scanAll<T extends Document>(collection: Collection<T>): AsyncIterable<Stored<T>> {
    const rows = this.#of(collection)
    // Pages, and not one cursor of the server: that one ends when its reader pauses for ten minutes.
    for (let page: Row[] = [], after = ''; ; after = page.at(-1)?._id ?? after) {
      page = await this.#read(collection, () =>
        rows.find({ _id: { $gt: after } }, { sort: { _id: 1 }, limit: 500, batchSize: 501 }).toArray(),
      )
      for (const row of page) yield fromRow<T>(row)
      if (page.length < 500) return
    }
  }

  async count<T extends Document>(index: Index<T>, selection: Selection, { atMost }: { atMost: number }) {
    check.checkSelection(index, selection)
    check.checkAtMost(atMost)
    const rows = this.#of(index.collection)
    const { filter, hint } = indexQuery(index, selection)
    return await this.#read(index.collection, () => rows.countDocuments(filter, { hint, limit: atMost }))
  }

  async commit(writes: readonly Write[]): Promise<void> {
    check.checkWrites(writes)
    for (const write of writes) this.#of(write.collection)
    check.checkCommitSize(writes.reduce((size, write, position) => size + documentSize(write, position), 0))
    const [only] = writes
    if (only === undefined) return
    if (writes.length === 1) {
      const place = { write: 0, collection: only.collection.name }
      await this.#write(() => guarded(place, () => writeOne(this.#of(only.collection), only, place, {})))
      return
    }
    if (!this.transactions) {
      throw new Unavailable(
        'this MongoDB server has no transactions, which a commit of several writes needs: run a replica set or a sharded cluster',
      )
    }
    // MongoDB refuses one of two transactions that meet at a document rather than let it wait. Those of one process wait
    // here for each other: however many meet at a balance, each is carried out once.
    const documents = new Set(writes.map(documentKey))
    const work = () => writeAll(this.#connection, (collection) => this.#of(collection), writes)
    await this.#write(() => this.#inTurn([...documents], work))
  }

  async insertMany<T extends Document>(collection: Collection<T>, documents: readonly NoInfer<T>[]) {
    check.checkInsertMany(collection, documents)
    const rows = this.#of(collection)
    for (const [position, document] of documents.entries()) checkSize(collection, document, position)
    if (documents.length === 0) return []
    return await this.#write(() => insertEach(rows, collection, documents))
  }

  async createCollections(collections: readonly Collection[]): Promise<void> {
    for (const collection of collections) {
      const { name } = collection
      const model = this.#connection.models[name] ?? this.#connection.model(name, schemaOf(collection))
      await buildCollection(collection, { model, sharded: this.#topology.sharded, log: this.#log })
      this.#rows.set(name, this.#connection.collection<Row>(name))
    }
  }

  async ping(): Promise<void> {
    await guarded({}, () => this.#connection.db?.command({ ping: 1 }) ?? Promise.reject(closed()))
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#underWay).then(() => this.#connection.destroy())
    return this.#closed
  }

  #of(collection: Collection): Rows {
    const rows = this.#rows.get(collection.name)
    if (rows === undefined) throw new InvalidQuery(`${collection.name} was not given to createCollections`)
    return rows
  }

  async #read<R>(collection: Collection, work: () => Promise<R>): Promise<R> {
    if (this.#closed !== undefined) throw closed()
    return await guarded({ collection: collection.name }, work)
  }

  async #write<R>(work: () => Promise<R>): Promise<R> {
    if (this.#closed !== undefined) throw closed()
    const writing = work()
    this.#underWay.add(writing)
    try {
      return await writing
    } finally {
      this.#underWay.delete(writing)
    }
  }
}

/** The schema says no more than what Mongoose needs: documents are checked by their declaration, not by Mongoose. */
function schemaOf(collection: Collection): mongoose.Schema {
  return new mongoose.Schema(
    { _id: String, version: Number },
    { collection: collection.name, strict: false, versionKey: false, id: false },
  )
}

function documentSize(write: Write, position: number): number {
  return 'document' in write ? checkSize(write.collection, write.document, position) : 0
}

function checkSize(collection: Collection, document: Document, position: number): number {
  // The version is the store's own and does not count.
  const size = calculateObjectSize({ ...document, version: undefined }, { ignoreUndefined: true })
  check.checkDocumentSize(size, collection, position)
  return size
}

function closed(): Unavailable {
  return new Unavailable('the store is closed')
}
