import type { Collection, Document, Index, Scalar } from './collection.ts'
import type { Write } from './write.ts'

/** A document as it is read: `version` is 1 at insert and one more at each write. */
export type Stored<T> = T & { version: number }

/** Bounds on the index key that follows `equals`. A range never holds null. */
export interface Range {
  /** At or above. */
  from?: Scalar
  /** Above. */
  after?: Scalar
  /** Below. */
  before?: Scalar
  /** At or below. */
  upTo?: Scalar
}

/** Which entries of an index: the first keys' values, and a range of the next. A `[]` key must be among `equals`. */
export interface Selection {
  equals: readonly Scalar[]
  range?: Range | undefined
}

/** A page of an index. Documents come in the order of the index keys, then of their ids, or all of it reversed. */
export interface Query extends Selection {
  order?: 'asc' | 'desc' | undefined
  /** 1 to 1,000 documents; 50 when not given. */
  limit?: number | undefined
  /** The `next` of the page before. */
  after?: string | undefined
}

/** `next` is the cursor of the following page, absent when there is none. */
export interface Page<T> {
  items: Stored<T>[]
  next?: string
}

/** All that must survive goes through this; see openStore. Every method may throw Unavailable. */
export interface Store {
  /** Whether a commit may hold several writes; false only on a MongoDB server without transactions. */
  readonly transactions: boolean

  /** The document, or undefined. */
  get<T extends Document>(collection: Collection<T>, id: string): Promise<Stored<T> | undefined>

  /** The documents in the order of `ids` (10,000 at most), undefined where there is none. */
  getMany<T extends Document>(
    collection: Collection<T>,
    ids: readonly string[],
  ): Promise<(Stored<T> | undefined)[]>

  /** A page of an index. Throws InvalidQuery for what the index cannot answer and for a cursor not its own. */
  find<T extends Document>(index: Index<T>, query: Query): Promise<Page<T>>

  /** All documents of a selection, read page by page: a document that moves meanwhile may be missed or seen twice. */
  scan<T extends Document>(index: Index<T>, query: Selection & Pick<Query, 'order'>): AsyncIterable<Stored<T>>

  /** All documents by id: for copies and rebuilds. */
  scanAll<T extends Document>(collection: Collection<T>): AsyncIterable<Stored<T>>

  /** How many documents a selection holds, counted no further than `atMost` (from 1). */
  count<T extends Document>(
    index: Index<T>,
    selection: Selection,
    options: { atMost: number },
  ): Promise<number>

  /**
   * Writes all or nothing, in order, each write seeing those before it; durable when it resolves. Throws the
   * StorageError of the first write that fails, naming it.
   */
  commit(writes: readonly Write[]): Promise<void>

  /**
   * Inserts each document on its own; durable when it resolves. `duplicate` where the id or a unique key is taken,
   * by an earlier document of the same call too. Throws before writing when a document is refused.
   */
  insertMany<T extends Document>(
    collection: Collection<T>,
    documents: readonly NoInfer<T>[],
  ): Promise<('inserted' | 'duplicate')[]>

  /** Runs `work` (read, then commit), again after a StaleVersion, with jitter, a bounded number of times. */
  attempt<R>(work: () => Promise<R>): Promise<R>

  /** Makes the tables and indexes that the declarations ask for, fills new ones, drops those no longer declared. */
  createCollections(collections: readonly Collection[]): Promise<void>

  /** Copies the database, while in use, into a folder. Not on a server that has its own backups. */
  backup?(toDir: string): Promise<void>

  /** Resolves when the store answers. */
  ping(): Promise<void>

  /** Waits for the commits under way, then lets go of everything. */
  close(): Promise<void>
}
