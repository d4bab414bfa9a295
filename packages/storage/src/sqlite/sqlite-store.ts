import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { backup, type DatabaseSync } from 'node:sqlite'
import { attempt } from '../attempt.ts'
import { decode, encode } from '../codec.ts'
import type { Collection, Document, Index } from '../collection.ts'
import { encodeCursor, indexKey } from '../cursor.ts'
import { InvalidQuery, StorageError, Unavailable } from '../errors.ts'
import type { StoreOptions } from '../store-options.ts'
import { scanPages } from '../scan-pages.ts'
import type { Page, Query, Selection, Store, Stored } from '../store.ts'
import * as check from '../validate.ts'
import type { Write } from '../write.ts'
import { openConnection, statementCache } from './connection.ts'
import { type Layout, layoutOf, sideIndexes } from './layout.ts'
import type { Operation, Packed } from './messages.ts'
import { type KeptReads, ReadCache } from './read-cache.ts'
import { type Column, entriesOf, rowOf } from './row.ts'
import { selectCount, selectPage } from './select.ts'
import { WriterClient } from './writer-client.ts'

const readsAtOnce = 500
/** Longer pages are parts of scans, which nobody reads again soon. */
const keptRows = 50
/** After so many milliseconds of reading, what else the process has to do gets its turn. */
const turnMs = 5

/** Settings that only tests need to change. */
export interface SqliteSettings {
  /** How long a commit waits for other processes; 30 s. */
  busyMs?: number
  /** How often expired documents are removed; 60 s. */
  purgeEveryMs?: number
}

/** Opens (and makes, if need be) the file `DIR/NAME.db`. */
export async function openSqliteStore(
  dir: string,
  { name, collections, log = () => {} }: StoreOptions,
  { busyMs = 30_000, purgeEveryMs = 60_000 }: SqliteSettings = {},
): Promise<SqliteStore> {
  const file = join(dir, `${name}.db`)
  const db = await openFile(file)
  const store = new SqliteStore(file, db, new WriterClient({ file, busyMs, purgeEveryMs, log }))
  try {
    await store.createCollections(collections)
  } catch (error) {
    await store.close()
    throw error
  }
  return store
}

async function openFile(file: string): Promise<DatabaseSync> {
  try {
    await mkdir(dirname(file), { recursive: true })
    return openConnection(file)
  } catch (cause) {
    throw new Unavailable(`${file} cannot be opened`, { cause })
  }
}

/** The store in a SQLite file: reads on the caller's thread, writes on one writer thread. */
class SqliteStore implements Store {
  readonly transactions = true
  readonly attempt = attempt
  readonly #file: string
  readonly #db: DatabaseSync
  readonly #prepare: ReturnType<typeof statementCache>
  readonly #writer: WriterClient
  readonly #layouts = new Map<string, Layout>()
  readonly #cache = new ReadCache((sql) => this.#prepare(sql).all())
  #closed: Promise<void> | undefined
  #reads: (() => void)[] = []
  #turnEnds = 0
  /** Whether the open transaction is this turn's. */
  #begun = false

  constructor(file: string, db: DatabaseSync, writer: WriterClient) {
    this.#file = file
    this.#db = db
    // A memory map made reads beside commits a tenth slower.
    db.exec('PRAGMA query_only = 1; PRAGMA mmap_size = 0')
    this.#prepare = statementCache(db)
    this.#writer = writer
  }

  get<T extends Document>(collection: Collection<T>, id: string): Promise<Stored<T> | undefined> {
    return this.#read(() => this.#get<T>(this.#layout(collection), id))
  }

  async getMany<T extends Document>(collection: Collection<T>, ids: readonly string[]) {
    check.checkIds(ids, collection)
    const layout = this.#layout(collection)
    if (ids.length <= readsAtOnce) return await this.#read(() => this.#getAll<T>(layout, ids))
    const slices: Promise<(Stored<T> | undefined)[]>[] = []
    for (let at = 0; at < ids.length; at += readsAtOnce) {
      const some = ids.slice(at, at + readsAtOnce)
      slices.push(this.#read(() => this.#getAll<T>(layout, some)))
    }
    return (await Promise.all(slices)).flat()
  }

  find<T extends Document>(index: Index<T>, query: Query): Promise<Page<T>> {
    return this.#read(() => {
      const limit = check.checkQuery(index, query)
      const layout = this.#layout(index.collection)
      const { sql, values } = selectPage(layout, index, query, limit)
      const kept = layout.readMostly ? this.#cache.of(layout) : undefined
      const key = kept && keyOf(values)
      const known = key === undefined ? undefined : kept?.page(sql, key)
      if (known) return known as Page<T>
      const rows = this.#prepare(sql).all(...values)
      const page = pageOf<T>(rows, index, query, limit)
      if (key !== undefined && rows.length <= keptRows) kept?.keepPage(sql, key, page, sizeOf(rows))
      return page
    })
  }

  scan<T extends Document>(
    index: Index<T>,
    query: Selection & Pick<Query, 'order'>,
  ): AsyncIterable<Stored<T>> {
    return scanPages(this, index, query)
  }

  async *scanAll<T extends Document>(collection: Collection<T>): AsyncIterable<Stored<T>> {
    const { table, name } = this.#layout(collection)
    const sql = `SELECT version, body FROM ${table} INDEXED BY id_${name} WHERE id > ? ORDER BY id LIMIT 500`
    for (let last = ''; ;) {
      const after = last
      const rows = await this.#read(() => this.#prepare(sql).all(after))
      for (const row of rows) {
        const document = stored<T>(row)
        last = document.id
        yield document
      }
      if (rows.length < 500) return
    }
  }

  count<T extends Document>(index: Index<T>, selection: Selection, { atMost }: { atMost: number }) {
    return this.#read(() => {
      check.checkSelection(index, selection)
      check.checkAtMost(atMost)
      const { sql, values } = selectCount(this.#layout(index.collection), index, selection, atMost)
      return Number(this.#prepare(sql).get(...values)?.[0])
    })
  }

  async commit(writes: readonly Write[]): Promise<void> {
    check.checkWrites(writes)
    for (const write of writes) this.#layout(write.collection)
    if (writes.length === 0) return
    const before = this.#writer.bytes.size
    const operations = writes.map((write, position) => this.#operation(write, position))
    check.checkCommitSize(this.#writer.bytes.size - before)
    await this.#writer.write(operations, false)
  }

  async insertMany<T extends Document>(collection: Collection<T>, documents: readonly NoInfer<T>[]) {
    check.checkInsertMany(collection, documents)
    const layout = this.#layout(collection)
    if (documents.length === 0) return []
    const operations = documents.map((document, position): Operation => ({
      type: 'insert',
      c: layout.name,
      ...this.#pack(layout, document, position),
    }))
    const { inserted = [] } = await this.#writer.write(operations, true)
    return inserted.map((yes) => (yes ? 'inserted' : 'duplicate'))
  }

  async createCollections(collections: readonly Collection[]): Promise<void> {
    const layouts = collections.map(layoutOf)
    await this.#writer.declare(layouts)
    for (const layout of layouts) this.#layouts.set(layout.name, layout)
  }

  /** Copies the file while it is in use; the copy is of one moment. */
  async backup(toDir: string): Promise<void> {
    await mkdir(toDir, { recursive: true })
    const db = openConnection(this.#file)
    try {
      // All pages in one step: a copy in several starts over at each commit between them.
      await backup(db, join(toDir, basename(this.#file)), { rate: 2 ** 30 })
    } finally {
      db.close()
    }
  }

  async ping(): Promise<void> {
    await this.#read(() => this.#prepare('SELECT 1').get())
    await this.#writer.declare([])
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    // What was asked before is answered before this is, if only with an error.
    const answered = this.#inTurn(() => {}).catch(() => {})
    try {
      await this.#writer.close()
    } finally {
      await answered
      this.#endTurn()
      this.#db.close()
    }
  }

  /** Removes the documents that have expired, now instead of at the next minute. */
  async purge(): Promise<void> {
    await this.#writer.purge()
  }

  #get<T extends Document>(layout: Layout, id: string): Stored<T> | undefined {
    const kept = layout.readMostly ? this.#cache.of(layout) : undefined
    const known = kept?.document(id)
    if (known !== undefined) return known === null ? undefined : (known as Stored<T>)
    const row = this.#prepare(`SELECT version, body FROM ${layout.table} WHERE id = ?`).get(id)
    return documentOf<T>(kept, id, row)
  }

  #getAll<T extends Document>(layout: Layout, ids: readonly string[]): (Stored<T> | undefined)[] {
    if (ids.length < 4) return ids.map((id) => this.#get<T>(layout, id))
    const kept = layout.readMostly ? this.#cache.of(layout) : undefined
    const known = ids.map((id) => kept?.document(id))
    const missing = ids.filter((_, place) => known[place] === undefined)
    // One statement for all takes half the time of one for each. SQLite's JSON ends a text at a NUL.
    if (missing.length < 4 || missing.some((id) => id.includes('\0')))
      return ids.map((id) => this.#get<T>(layout, id))
    const sql = `SELECT d.version, d.body, j.key FROM json_each(?) j CROSS JOIN ${layout.table} d ON d.id = j.value`
    const rows = this.#prepare(sql).all(JSON.stringify(missing))
    const found = new Map(rows.map((row) => [missing[row[2] as number], row]))
    return ids.map((id, place) => {
      const one = known[place]
      if (one === undefined) return documentOf<T>(kept, id, found.get(id))
      return one === null ? undefined : (one as Stored<T>)
    })
  }

  #layout(collection: Collection): Layout {
    const layout = this.#layouts.get(collection.name)
    if (layout === undefined) throw new InvalidQuery(`${collection.name} was not given to createCollections`)
    return layout
  }

  #read<R>(work: () => R): Promise<R> {
    if (this.#closed !== undefined) return Promise.reject(new Unavailable('the store is closed'))
    return this.#inTurn(work)
  }

  /**
   * Does `work` with all that is to be read in this turn of the event loop, in one transaction. A transaction each costs
   * as much as the read does; and what is answered together is sent together, which wakes its receivers once. The
   * transaction is open to those who read on with what they got, and ends before any other callback runs: nothing that
   * was told to this process before it asked is missing from what it reads.
   */
  #inTurn<R>(work: () => R): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>()
    const read = () => {
      try {
        this.#begin()
        resolve(work())
      } catch (cause) {
        reject(cause instanceof StorageError ? cause : new Unavailable('SQLite cannot read', { cause }))
      }
    }
    if (performance.now() < this.#turnEnds) read()
    else {
      if (this.#reads.length === 0) setImmediate(this.#beginTurn)
      this.#reads.push(read)
    }
    return promise
  }

  readonly #beginTurn = (): void => {
    // A tick that threw kept the last turn from ending.
    this.#endTurn()
    const reads = this.#reads
    this.#turnEnds = performance.now() + turnMs
    let done = 0
    do reads[done++]?.()
    while (done < reads.length && performance.now() < this.#turnEnds)
    this.#reads = reads.slice(done)
    if (this.#reads.length > 0) setImmediate(this.#beginTurn)
    // Ticks come behind all the promises that go on with what was read.
    queueMicrotask(() => process.nextTick(this.#endTurn))
  }

  /** Opens the turn's transaction, unless it is open: SQLite ends one by itself at some errors. */
  #begin(): void {
    if (this.#begun && this.#db.isTransaction) return
    if (this.#db.isTransaction) this.#prepare('COMMIT').run()
    this.#prepare('BEGIN').run()
    this.#cache.begin()
    this.#begun = true
  }

  readonly #endTurn = (): void => {
    this.#turnEnds = 0
    this.#begun = false
    try {
      if (this.#db.isOpen && this.#db.isTransaction) this.#prepare('COMMIT').run()
    } catch {
      // Nobody asked for this: whoever reads next ends it, or is told why it cannot be ended.
    }
  }

  #operation(write: Write, position: number): Operation {
    const layout = this.#layout(write.collection)
    const c = layout.name
    switch (write.type) {
      case 'insert':
      case 'ensure':
        return { type: write.type, c, ...this.#pack(layout, write.document, position) }
      case 'replace':
        return { type: 'replace', c, version: write.version, ...this.#pack(layout, write.document, position) }
      case 'increment': {
        const { type, id, by, bounds, create } = write
        const isBound = Object.keys(bounds).length > 0
        return { type, c, id, by, ...(isBound && { bounds }), create }
      }
      case 'expect':
        return { type: 'expect', c, id: write.id, version: write.version }
      default:
        return { type: 'remove', c, id: write.id, version: write.version }
    }
  }

  #pack(layout: Layout, document: Document, position: number): Packed {
    const body = encode(document)
    check.checkDocumentSize(body.length, layout, position)
    const start = this.#writer.bytes.add(body)
    const entries = sideIndexes(layout).map((index) => entriesOf(index, document))
    return { id: document.id, start, end: start + body.length, row: rowOf(layout, document), entries }
  }
}

/** The document of a row: its version, then its body. */
function stored<T extends Document>(row: Row): Stored<T> {
  // What the table holds was a T when it was written.
  const document = decode(row[1] as Uint8Array) as Stored<T>
  document.version = row[0] as number
  return document
}

type Row = Record<number, unknown>

/** The document of the row that an id led to, kept for the next who asks. */
function documentOf<T extends Document>(
  kept: KeptReads | undefined,
  id: string,
  row: Row | undefined,
): Stored<T> | undefined {
  const document = row && stored<T>(row)
  kept?.keepDocument(id, document ?? null, row ? sizeOf([row]) : 0)
  return document
}

function pageOf<T extends Document>(
  rows: readonly Row[],
  index: Index<T>,
  query: Query,
  limit: number,
): Page<T> {
  const items = rows.slice(0, limit).map((row) => stored<T>(row))
  const last = items.at(-1)
  if (rows.length <= limit || last === undefined) return { items }
  return { items, next: encodeCursor({ key: indexKey(index, query, last), id: last.id }) }
}

function sizeOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + (row[1] as Uint8Array).length, 0)
}

/** What tells a query from others of its text, or undefined for the few that look for something else than texts and numbers. */
function keyOf(values: readonly Column[]): string | undefined {
  const plain = values.every((value) => typeof value === 'string' || typeof value === 'number')
  return plain ? JSON.stringify(values) : undefined
}
