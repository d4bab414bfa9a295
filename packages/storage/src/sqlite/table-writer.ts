import type { DatabaseSync } from 'node:sqlite'
import { decode, encode } from '../codec.ts'
import type { Document } from '../collection.ts'
import { DuplicateKey, StaleVersion, type StorageErrorPlace } from '../errors.ts'
import { incrementBytes } from '../increment-bytes.ts'
import { addWithinBounds } from '../increment.ts'
import { checkDocumentSize, checkPartition } from '../validate.ts'
import { sqliteCode } from './connection.ts'
import { derivedColumns, type IndexLayout, type Layout, sideIndexes } from './layout.ts'
import type { Operation, Packed } from './messages.ts'
import { changeCounter } from './read-cache.ts'
import { type Column, entriesOf, rowOf } from './row.ts'
import { selectExpired } from './select.ts'

/** Applies operations to the table of one collection, inside the transaction that is open. */
export type TableWriter = ReturnType<typeof tableWriter>

/** Prepares the statements of a collection's table. */
export function tableWriter(db: DatabaseSync, layout: Layout) {
  const { table, name } = layout
  const derived = derivedColumns(layout)
  const columns = ['id', 'version', 'body', ...derived]
  const into = `INSERT INTO ${table} (${columns.join()}) VALUES (?, 1, ?${',?'.repeat(derived.length)})`
  const set = `UPDATE ${table} SET version = version + 1, body = ?${derived.map((column) => `, ${column} = ?`).join('')}`
  const statements = {
    insert: db.prepare(into),
    ensure: db.prepare(`${into} ON CONFLICT (id) DO NOTHING`),
    replace: db.prepare(`${set} WHERE id = ? AND version = ?`),
    update: db.prepare(`${set} WHERE n = ?`),
    // SQLite writes the entry of an index anew when a statement sets its columns, whatever to.
    updateBody: db.prepare(`UPDATE ${table} SET version = version + 1, body = ? WHERE n = ?`),
    expect: db.prepare(`SELECT 1 FROM ${table} WHERE id = ? AND version = ?`),
    read: db.prepare(`SELECT n, version, body FROM ${table} WHERE id = ?`),
    remove: db.prepare(`DELETE FROM ${table} WHERE id = ? AND version = ifnull(?, version)`),
  }
  const sides = sideIndexes(layout).map((index) => sideWriter(db, index))

  const addEntries = (id: string, doc: number, entries: Column[][][]) => {
    for (const [at, side] of sides.entries())
      for (const entry of entries[at] ?? []) side.add.run(...entry, id, doc)
  }
  const dropEntries = (document: Document) => {
    for (const side of sides) {
      for (const entry of entriesOf(side.index, document)) side.drop.run(...entry, document.id)
    }
  }
  const read = (id: string) => {
    const row = statements.read.get(id)
    if (row === undefined) return undefined
    return { n: Number(row['n']), version: Number(row['version']), body: row['body'] as Uint8Array }
  }
  const stale = (operation: { id: string }, place: StorageErrorPlace) =>
    new StaleVersion(`${name} ${operation.id} has changed or is gone`, place)

  const put = (
    type: 'insert' | 'ensure',
    { id, row, entries }: Omit<Packed, 'start' | 'end'>,
    body: Uint8Array,
  ) => {
    const { changes, lastInsertRowid } = statements[type].run(id, body, ...row)
    if (changes !== 0 && sides.length > 0) addEntries(id, Number(lastInsertRowid), entries)
  }
  const replace = (operation: Packed & { version: number }, body: Uint8Array, place: StorageErrorPlace) => {
    const { id, version, row } = operation
    if (sides.length === 0) {
      if (statements.replace.run(body, ...row, id, version).changes === 0) throw stale(operation, place)
      return
    }
    const old = read(id)
    if (old?.version !== version) throw stale(operation, place)
    statements.update.run(body, ...row, old.n)
    dropEntries(decode(old.body))
    addEntries(id, old.n, operation.entries)
  }
  const indexed = indexedFields(layout)
  const isIndexed = (by: object) => Object.keys(by).some((field) => indexed.has(field))
  const increment = (operation: Extract<Operation, { type: 'increment' }>, place: StorageErrorPlace) => {
    const { id, by, bounds, create } = operation
    const old = read(id)
    if (old !== undefined && bounds === undefined && !isIndexed(by)) {
      const body = incrementBytes(old.body, by)
      if (body !== undefined) {
        checkDocumentSize(body.length, { name }, place.write)
        statements.updateBody.run(body, old.n)
        return
      }
    }
    if (old === undefined) checkPartition(layout, { ...create, id }, place.write)
    const before = old === undefined ? { ...create, id } : decode(old.body)
    const after = addWithinBounds(before, by, bounds ?? {}, place)
    const body = encode(after)
    checkDocumentSize(body.length, { name }, place.write)
    const row = rowOf(layout, after)
    const entries = sides.map((side) => entriesOf(side.index, after))
    if (old === undefined) return put('insert', { id, row, entries }, body)
    statements.update.run(body, ...row, old.n)
    if (sides.length > 0) {
      dropEntries(before)
      addEntries(id, old.n, entries)
    }
  }
  const countChange = changeCounter(db, layout)
  let changed = false
  const removeRow = (id: string, version: number | undefined): boolean => {
    if (sides.length > 0) {
      const old = read(id)
      if (old === undefined || (version !== undefined && old.version !== version)) return false
      dropEntries(decode(old.body))
    }
    return statements.remove.run(id, version ?? null).changes !== 0
  }

  /** Applies one operation; throws the StorageError that names it, or SQLite's error when the transaction is lost. */
  const apply = (operation: Operation, bytes: Uint8Array, write: number): void => {
    const place = { write, collection: name }
    changed ||= operation.type !== 'expect'
    try {
      switch (operation.type) {
        case 'insert':
        case 'ensure':
          return put(operation.type, operation, bytes.subarray(operation.start, operation.end))
        case 'replace':
          return replace(operation, bytes.subarray(operation.start, operation.end), place)
        case 'increment':
          return increment(operation, place)
        case 'expect':
          if (statements.expect.get(operation.id, operation.version) === undefined)
            throw stale(operation, place)
          return
        case 'remove':
          if (!removeRow(operation.id, operation.version)) throw stale(operation, place)
          return
      }
    } catch (error) {
      if (sqliteCode(error) !== 19) throw error
      throw duplicate(layout, error, operation.id, write)
    }
  }
  const expired = layout.expires === undefined ? undefined : db.prepare(selectExpired(layout, layout.expires))
  /** Removes up to 500 documents that have expired; tells how many. */
  const purgeExpired = (nowMs: number): number => {
    const rows = expired?.all(BigInt(nowMs)) ?? []
    for (const { id } of rows) changed = removeRow(String(id), undefined) || changed
    return rows.length
  }
  /** To be called before each commit of a transaction that changed something. */
  const beforeCommit = () => {
    if (changed) countChange()
    changed = false
  }
  return { layout, apply, purgeExpired, beforeCommit, single: sides.length === 0 }
}

/** The fields that an index or the member column of an index looks at. */
function indexedFields({ fields, indexes }: Layout): Set<string> {
  const others = indexes.flatMap(({ keys, where = {} }) => [
    ...keys.map(({ field }) => field),
    ...Object.keys(where),
  ])
  return new Set([...fields, ...others])
}

function sideWriter(db: DatabaseSync, index: IndexLayout) {
  const all = [...index.columns, 'id', 'doc']
  const same = [...index.columns, 'id'].map((column) => `${column} = ?`).join(' AND ')
  return {
    index,
    add: db.prepare(`INSERT INTO ${index.sqlName} (${all.join()}) VALUES (${all.map(() => '?').join()})`),
    drop: db.prepare(`DELETE FROM ${index.sqlName} WHERE ${same}`),
  }
}

/** Names the index from SQLite's text, "UNIQUE constraint failed: table.column, table.column". */
function duplicate(layout: Layout, cause: unknown, id: string, write: number): DuplicateKey {
  const failed = cause instanceof Error ? cause.message.replace(/^.*failed: /, '') : ''
  const columns = failed
    .split(', ')
    .map((column) => column.replace(/^.*\./, ''))
    .join()
  const index = layout.indexes.find(
    (index) =>
      index.unique &&
      failed.startsWith(`${index.each ? index.sqlName : layout.table}.`) &&
      index.columns.join() === columns,
  )
  const key = index?.name ?? 'id'
  return new DuplicateKey(`${layout.name} ${id}: the key of ${key} is taken`, {
    write,
    collection: layout.name,
    index: key,
    cause,
  })
}
