import type { DatabaseSync } from 'node:sqlite'
import { decode } from '../codec.ts'
import type { Document } from '../collection.ts'
import { DuplicateKey } from '../errors.ts'
import { derivedColumns, type IndexLayout, type Layout, sideIndexes } from './layout.ts'
import { type Column, entriesOf, rowOf } from './row.ts'
import type { Log } from './log.ts'

const batchRows = 1000

/** Computes all derived columns and side tables anew from the documents, in batches that let other writers between. */
export function fillIndexes(
  db: DatabaseSync,
  layout: Layout,
  log: Log,
  transaction: <R>(batch: () => R) => R,
): void {
  const total = Number(db.prepare(`SELECT count(*) AS total FROM ${layout.table}`).get()?.['total'])
  const read = db.prepare(`SELECT n, body FROM ${layout.table} WHERE n > ? ORDER BY n LIMIT ${batchRows}`)
  const columns = derivedColumns(layout)
  const update =
    columns.length === 0
      ? undefined
      : db.prepare(
          `UPDATE ${layout.table} SET ${columns.map((column) => `${column} = ?`).join()} WHERE n = ?`,
        )
  const sides = sideIndexes(layout).map((index) => sideFiller(db, layout, index))
  const fillRow = (n: number, document: Document) => {
    update?.run(...rowOf(layout, document), n)
    for (const { index, add } of sides) {
      for (const entry of entriesOf(index, document)) add(entry, document.id, n)
    }
  }
  let last = 0
  for (let done = 0; done < total;) {
    const rows = transaction(() => {
      const rows = read.all(last)
      for (const { n, body } of rows) fillRow(Number(n), decode(body as Uint8Array))
      return rows
    })
    // Rows were removed meanwhile: there are fewer than were counted.
    if (rows.length === 0) return
    last = Number(rows.at(-1)?.['n'])
    done += rows.length
    if (done % (batchRows * 10) === 0 || done >= total) {
      log('indexed documents', { collection: layout.name, done, total })
    }
  }
}

function sideFiller(db: DatabaseSync, layout: Layout, index: IndexLayout) {
  const all = [...index.columns, 'id', 'doc']
  const insert = db.prepare(
    `INSERT INTO ${index.sqlName} (${all.join()}) VALUES (${all.map(() => '?').join()}) ON CONFLICT DO NOTHING`,
  )
  const holder = db.prepare(
    `SELECT id FROM ${index.sqlName} WHERE ${index.columns.map((column) => `${column} = ?`).join(' AND ')} AND id <> ?`,
  )
  const add = (entry: Column[], id: string, doc: number) => {
    // The entry may be there already: other processes write by the new declaration while this one fills.
    const { changes } = insert.run(...entry, id, doc)
    if (changes === 0 && index.unique && holder.get(...entry, id) !== undefined) {
      throw new DuplicateKey(`${layout.name}.${index.name}: the documents are not unique`, {
        collection: layout.name,
        index: index.name,
      })
    }
  }
  return { index, add }
}
