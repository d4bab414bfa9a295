import { DatabaseSync, type StatementSync } from 'node:sqlite'

const openingMs = 20_000

/**
 * Opens a database file of several processes: a write-ahead log, and an fsync at each commit. What is deleted is overwritten
 * with zeros. Waits while another process is making or recovering the file.
 */
export function openConnection(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: openingMs })
  retryBusy(() => db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL'), openingMs)
  // Else an erased document stays readable in the file until its page happens to be used again.
  db.exec('PRAGMA secure_delete = ON')
  db.exec('PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF')
  return db
}

/** SQLite's result code of an error, or undefined when the error is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined
}

const busy = 5
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/**
 * Runs `work` until SQLite is not busy, or throws its error after `limitMs`. Blocks the thread. The waits are short and
 * random because SQLite's own grow to 100 ms, within which a busy process may take the lock again and again.
 */
export function retryBusy<R>(work: () => R, limitMs: number): R {
  const end = performance.now() + limitMs
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (sqliteCode(error) !== busy || performance.now() > end) throw error
      Atomics.wait(sleeper, 0, 0, 0.2 + Math.random() * 3)
    }
  }
}

/** Prepares each SQL text once. Rows are arrays, which are made faster than objects. */
export function statementCache(db: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>()
  return (sql) => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = db.prepare(sql)
    statement.setReturnArrays(true)
    statements.set(sql, statement)
    return statement
  }
}
