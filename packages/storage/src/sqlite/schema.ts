import type { DatabaseSync } from 'node:sqlite'
import { DuplicateKey } from '../errors.ts'
import { retryBusy, sqliteCode } from './connection.ts'
import { fillIndexes } from './fill-indexes.ts'
import type { Log } from './log.ts'
import { changeCounter, makeChangesTable } from './read-cache.ts'
import { columnOf, type IndexLayout, type Layout, memberColumn } from './layout.ts'

interface Declared {
  declaration: string
  ready: number
}

const busyMs = 30_000

/**
 * Makes the table and the indexes of a layout, fills what is new from the documents, drops what is no longer declared.
 * The new declaration is published before the filling, so that a process with the old one stops writing (its rows
 * would lack the new columns); `ready` is set after it, so that a crash between makes the next start fill again.
 */
export function makeTable(db: DatabaseSync, layout: Layout, log: Log): void {
  const declared = transaction(db, () => publish(db, layout))
  if (declared?.declaration === layout.declaration && declared.ready === 1) return
  if (declared !== undefined) {
    log('building indexes', { collection: layout.name })
    fillIndexes(db, layout, log, (batch) => transaction(db, batch))
  }
  transaction(db, () => {
    for (const index of layout.indexes) if (!index.each) createIndex(db, layout, index)
    if (layout.expires !== undefined) {
      const column = columnOf(layout.expires)
      db.exec(
        `CREATE INDEX IF NOT EXISTS x_${layout.name} ON ${layout.table} (${column}) WHERE ${column} > -9e999`,
      )
    }
    db.prepare('UPDATE collections SET ready = 1 WHERE name = ?').run(layout.name)
    // Another process may have kept a page of an index that was not filled yet.
    changeCounter(db, layout)()
  })
}

/** The declarations of this database, changed by no one else while `PRAGMA user_version` stays the same. */
export function readDeclarations(db: DatabaseSync): Map<string, string> {
  const rows = db.prepare('SELECT name, declaration FROM collections').all()
  return new Map(rows.map((row) => [String(row['name']), String(row['declaration'])]))
}

function publish(db: DatabaseSync, layout: Layout): Declared | undefined {
  db.exec(
    'CREATE TABLE IF NOT EXISTS collections (name TEXT PRIMARY KEY, declaration TEXT NOT NULL, ready INTEGER NOT NULL)',
  )
  makeChangesTable(db)
  const row = db.prepare('SELECT declaration, ready FROM collections WHERE name = ?').get(layout.name)
  const declared = row && { declaration: String(row['declaration']), ready: Number(row['ready']) }
  if (declared?.declaration === layout.declaration) return declared
  dropIndexes(db, layout.name)
  createTable(db, layout)
  db.prepare(
    `INSERT INTO collections VALUES (?, ?, 0)
      ON CONFLICT (name) DO UPDATE SET declaration = excluded.declaration, ready = 0`,
  ).run(layout.name, layout.declaration)
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  db.exec(`PRAGMA user_version = ${version + 1}`)
  return declared
}

function dropIndexes(db: DatabaseSync, collection: string): void {
  const found = db
    .prepare(
      `SELECT type, name FROM sqlite_schema
        WHERE sql IS NOT NULL AND (name GLOB 'i_' || ?1 || '__*' OR name GLOB 'e_' || ?1 || '__*' OR name = 'x_' || ?1)`,
    )
    .all(collection)
  for (const { type, name } of found) db.exec(`DROP ${String(type)} ${String(name)}`)
}

function createTable(db: DatabaseSync, layout: Layout): void {
  // No column but `n` and `version` has a type: SQLite would turn text that looks like a number into one.
  db.exec(
    `CREATE TABLE IF NOT EXISTS ${layout.table} (n INTEGER PRIMARY KEY, id NOT NULL, version INTEGER NOT NULL, body NOT NULL)`,
  )
  db.exec(`CREATE UNIQUE INDEX IF NOT EXISTS id_${layout.name} ON ${layout.table} (id)`)
  const there = db.prepare('SELECT name FROM pragma_table_info(?)').all(layout.table)
  const names = new Set(there.map((row) => row['name']))
  const wanted = [
    ...layout.fields.map(columnOf),
    ...layout.indexes.filter((index) => index.where && !index.each).map(memberColumn),
  ]
  for (const column of wanted) {
    if (!names.has(column)) db.exec(`ALTER TABLE ${layout.table} ADD COLUMN ${column}`)
  }
  for (const index of layout.indexes.filter((index) => index.each)) {
    const key = index.unique ? index.columns : [...index.columns, 'id']
    db.exec(
      `CREATE TABLE ${index.sqlName} (${index.columns.join()}, id NOT NULL, doc INTEGER NOT NULL, PRIMARY KEY (${key.join()})) WITHOUT ROWID`,
    )
  }
}

function createIndex(db: DatabaseSync, layout: Layout, index: IndexLayout): void {
  const columns = index.unique || index.columns.includes('id') ? index.columns : [...index.columns, 'id']
  const where = index.where === undefined ? '' : ` WHERE ${memberColumn(index)} = 1`
  const unique = index.unique ? 'UNIQUE ' : ''
  try {
    db.exec(
      `CREATE ${unique}INDEX IF NOT EXISTS ${index.sqlName} ON ${layout.table} (${columns.join()})${where}`,
    )
  } catch (cause) {
    if (sqliteCode(cause) !== 19) throw cause
    throw new DuplicateKey(`${layout.name}.${index.name}: the documents are not unique`, {
      collection: layout.name,
      index: index.name,
      cause,
    })
  }
}

/** Runs `work` in one SQL transaction, which other processes wait for. */
function transaction<R>(db: DatabaseSync, work: () => R): R {
  retryBusy(() => db.exec('BEGIN IMMEDIATE'), busyMs)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
