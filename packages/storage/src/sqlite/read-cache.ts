import type { DatabaseSync } from 'node:sqlite'
import type { Layout } from './layout.ts'

/** Makes the table that tells how many transactions changed each read-mostly collection, those of all processes. */
export function makeChangesTable(db: DatabaseSync): void {
  db.exec('CREATE TABLE IF NOT EXISTS changes (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID')
}

/** A function that counts a change of a read-mostly collection, to be called in the transaction that makes it. */
export function changeCounter(db: DatabaseSync, { name, readMostly }: Layout): () => void {
  if (!readMostly) return () => {}
  const count = db.prepare('INSERT INTO changes VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1')
  return () => void count.run(name)
}

const keptBytes = 8 * 2 ** 20
const entryBytes = 200

/** What was read of one collection since it last changed. All of it is frozen, since many share it. */
export class KeptReads {
  /** The collection's count of changes. */
  readonly changes: unknown
  readonly #documents = new Map<string, object | null>()
  readonly #pages = new Map<string, object>()
  #bytes = 0

  constructor(changes: unknown) {
    this.changes = changes
  }

  /** The document with an id, null when it is known that there is none, undefined when nothing is known. */
  document(id: string): object | null | undefined {
    return this.#documents.get(id)
  }

  keepDocument(id: string, document: object | null, bytes: number): void {
    this.#makeRoom(bytes + id.length)
    this.#documents.set(id, freeze(document))
  }

  /** The page of the query that `key` tells from all others. */
  page(key: string): object | undefined {
    return this.#pages.get(key)
  }

  keepPage(key: string, page: object, bytes: number): void {
    this.#makeRoom(bytes + key.length)
    this.#pages.set(key, freeze(page))
  }

  #makeRoom(bytes: number): void {
    this.#bytes += bytes + entryBytes
    if (this.#bytes <= keptBytes) return
    this.#documents.clear()
    this.#pages.clear()
    this.#bytes = bytes + entryBytes
  }
}

/**
 * What was read of read-mostly collections. A transaction that changes one counts that in the file, so that one small
 * read tells whether all that is kept of it still holds, whoever wrote. Of each collection 8 MiB are kept at most; then
 * the keeping begins anew.
 */
export class ReadCache {
  readonly #readChanges: () => readonly Record<number, unknown>[]
  readonly #kept = new Map<string, KeptReads>()
  #changes: ReadonlyMap<unknown, unknown> | undefined

  /** `readChanges` gives name and count of each collection that was ever written to. */
  constructor(readChanges: () => readonly Record<number, unknown>[]) {
    this.#readChanges = readChanges
  }

  /** To be called when a read transaction begins. */
  begin(): void {
    this.#changes = undefined
  }

  /** What is kept of a collection and still holds in this read transaction. */
  of({ name }: Layout): KeptReads {
    this.#changes ??= new Map(this.#readChanges().map((row) => [row[0], row[1]]))
    const changes = this.#changes.get(name)
    let kept = this.#kept.get(name)
    if (kept?.changes !== changes || !kept) this.#kept.set(name, (kept = new KeptReads(changes)))
    return kept
  }
}

/** Freezes plain data through and through. Bytes cannot be frozen, and dates stay as they are. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date)
    return value
  for (const part of Object.values(value)) freeze(part)
  return Object.freeze(value)
}
