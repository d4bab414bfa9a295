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

const keptBytes = 64 * 2 ** 20
const largestEntry = 4 * 2 ** 20
const entryBytes = 200
/** What a document takes in memory for each byte of BSON: measured 1.3 to 2.4, and 7 where it is made of empty objects. */
const memoryPerByte = 2

/** What was read of one collection since it last changed. All of it is frozen, since many share it. */
export class KeptReads {
  /** The collection's count of changes. */
  readonly changes: unknown
  /** What all of it takes in memory, as far as that can be told. */
  bytes = 0
  readonly #makeRoom: (bytes: number) => void
  readonly #documents = new Map<string, object | null>()
  readonly #pages = new Map<string, Map<string, object>>()

  /** `makeRoom` forgets something, this too perhaps, so that as many bytes more can be kept. */
  constructor(changes: unknown, makeRoom: (bytes: number) => void) {
    this.changes = changes
    this.#makeRoom = makeRoom
  }

  /** The document with an id, null when it is known that there is none, undefined when nothing is known. */
  document(id: string): object | null | undefined {
    return this.#documents.get(id)
  }

  /** Keeps the document with an id, whose BSON takes `bytes`; null where there is none. */
  keepDocument(id: string, document: object | null, bytes: number): void {
    if (!this.#fits(bytes, id)) return
    // An id cut from a longer text, a request's address for one, would keep all of that in memory.
    const own = Buffer.from(id, 'utf16le').toString('utf16le')
    this.#documents.set(own, freeze(document))
  }

  /** The page of the query with the text `sql` that `key` tells from its others. */
  page(sql: string, key: string): object | undefined {
    return this.#pages.get(sql)?.get(key)
  }

  /** Keeps the page of a query, whose documents take `bytes` of BSON. */
  keepPage(sql: string, key: string, page: object, bytes: number): void {
    if (!this.#fits(bytes, key)) return
    let pages = this.#pages.get(sql)
    if (pages === undefined) this.#pages.set(sql, (pages = new Map()))
    pages.set(key, freeze(page))
  }

  /** Forgets all that is kept. */
  clear(): void {
    this.#documents.clear()
    this.#pages.clear()
    this.bytes = 0
  }

  /** Makes room for what is to be kept; false for what is too large. */
  #fits(bodies: number, key: string): boolean {
    const bytes = bodies * memoryPerByte + key.length + entryBytes
    if (bytes > largestEntry) return false
    this.#makeRoom(bytes)
    this.bytes += bytes
    return true
  }
}

/**
 * What was read of read-mostly collections. A transaction that changes one counts that in the file, so that one small
 * read tells whether all that is kept of it still holds, whoever wrote. Of all collections together some 64 MiB of
 * memory are kept at most; then the keeping of the largest begins anew.
 */
export class ReadCache {
  readonly #read: (sql: string) => readonly Row[]
  readonly #kept = new Map<string, KeptReads>()
  #changes: Pairs | undefined
  #declared: unknown
  #declarations: Pairs = new Map()

  /** `read` gives the rows of a statement, in the read transaction that is open. */
  constructor(read: (sql: string) => readonly Row[]) {
    this.#read = read
  }

  /** To be called when a read transaction begins. */
  begin(): void {
    this.#changes = undefined
  }

  /** What is kept of a collection and still holds in this read transaction; undefined where nothing may be kept. */
  of({ name, declaration }: Layout): KeptReads | undefined {
    this.#changes ??= this.#look()
    // A process of another release declared it anew, and may not count.
    if (this.#declarations.get(name) !== declaration) return undefined
    const changes = this.#changes.get(name)
    let kept = this.#kept.get(name)
    if (kept?.changes !== changes || !kept)
      this.#kept.set(name, (kept = new KeptReads(changes, this.#makeRoom)))
    return kept
  }

  readonly #makeRoom = (bytes: number): void => {
    for (;;) {
      let all = bytes
      let largest: KeptReads | undefined
      for (const kept of this.#kept.values()) {
        all += kept.bytes
        if (largest === undefined || kept.bytes > largest.bytes) largest = kept
      }
      if (all <= keptBytes || largest === undefined) return
      largest.clear()
    }
  }

  /** The counts of all collections that ever changed. The declarations stay the same while `user_version` does. */
  #look(): Pairs {
    const declared = this.#read('PRAGMA user_version')[0]?.[0]
    if (declared !== this.#declared) {
      this.#kept.clear()
      this.#declarations = pairs(this.#read('SELECT name, declaration FROM collections'))
      this.#declared = declared
    }
    return pairs(this.#read('SELECT name, n FROM changes'))
  }
}

type Row = Record<number, unknown>
type Pairs = ReadonlyMap<unknown, unknown>

function pairs(rows: readonly Row[]): Pairs {
  return new Map(rows.map((row) => [row[0], row[1]]))
}

/** Freezes plain data through and through. Bytes cannot be frozen, and dates stay as they are. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date)
    return value
  for (const part of Object.values(value)) freeze(part)
  return Object.freeze(value)
}
