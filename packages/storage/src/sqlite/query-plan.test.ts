import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Scalar } from '../collection.ts'
import { plain, thing, things } from '../contract/things.ts'
import { encodeCursor } from '../cursor.ts'
import { openStore } from '../open-store.ts'
import type { Query } from '../store.ts'
import { layoutOf } from './layout.ts'
import { type Select, selectCount, selectPage } from './select.ts'

const dir = mkdtempSync(join(tmpdir(), 'storage-'))
let db: DatabaseSync
beforeAll(async () => {
  const store = await openStore(`sqlite:${dir}`, { name: 'plan', collections: [things, plain] })
  await store.insertMany(
    things,
    Array.from({ length: 100 }, (_, at) => thing('t', `${at}`, { tags: ['x'] })),
  )
  await store.close()
  db = new DatabaseSync(join(dir, 'plan.db'))
})
afterAll(() => {
  db.close()
  rmSync(dir, { recursive: true })
})

const layout = layoutOf(things)
const bounds: Query['range'][] = [undefined, { from: 1 }, { after: 1, upTo: 3 }, { before: 3 }]

const samples = { text: 'x', number: 1, boolean: true, date: new Date(0) }

describe.each(things.indexes)('the index $name', (index) => {
  const each = index.keys.findIndex((key) => key.each)
  const values = index.types.map((type): Scalar => samples[type ?? 'text'])
  const prefixes = index.keys.map((_, at) => at).filter((length) => length > each)
  const selections = [...prefixes, index.keys.length].flatMap((length) =>
    bounds
      .filter((range) => range === undefined || length < index.keys.length)
      .map((range) => ({ equals: values.slice(0, length), range })),
  )

  test.each(selections)('answers $equals within $range by a search', ({ equals, range }) => {
    for (const order of ['asc', 'desc'] as const) {
      for (const after of [undefined, encodeCursor({ key: values, id: 'x' })]) {
        const page = selectPage(layout, index, { equals, range, order, after }, 50)
        expect(planOf(page)).toMatch(
          new RegExp(`SEARCH . USING (COVERING )?(INDEX i_things__${index.name}|PRIMARY KEY)`),
        )
        expect(planOf(page)).not.toMatch(/SCAN|TEMP B-TREE/)
      }
    }
    const count = planOf(selectCount(layout, index, { equals, range }, 1000))
    expect(count.replace(/SCAN \(subquery-\d+\)/, '')).not.toMatch(/SCAN|TEMP B-TREE/)
  })
})

test('reading by id and all documents by id are searches', () => {
  const all = 'SELECT version, body FROM d_things INDEXED BY id_things WHERE id > ? ORDER BY id LIMIT 500'
  for (const sql of ['SELECT version, body FROM d_things WHERE id = ?', all]) {
    expect(planOf({ sql, values: ['x'] })).toMatch(/^SEARCH d_things USING INDEX id_things/)
  }
})

test('the range after a cursor begins at the cursor', () => {
  const query = { equals: ['t'], range: { from: 0 }, after: encodeCursor({ key: ['t', 2, 'x'], id: 'x' }) }
  const plan = planOf(selectPage(layout, things.byRank, query, 50))
  expect(plan).toContain('(f_tenant=? AND (f_rank,f_name,id)>(?,?,?))')
})

test('queries that differ in their values alone share one text, all others have their own', () => {
  const after = encodeCursor({ key: ['t', 2, 'x'], id: 'x' })
  const queries: Query[] = [
    { equals: [] },
    { equals: ['t'] },
    { equals: ['t'], order: 'desc' },
    { equals: ['t'], after },
    { equals: ['t'], range: { from: 1 } },
    { equals: ['t'], range: { after: 1 } },
    { equals: ['t'], range: { from: 1, upTo: 3 } },
    { equals: ['t'], range: { from: 1 }, after },
    { equals: ['t', 1] },
  ]
  const texts = queries.map((query) => selectPage(layout, things.byRank, query, 50).sql)
  expect(new Set(texts).size).toBe(queries.length)
  const again = queries.map(({ equals, ...query }) => ({
    ...query,
    equals: equals.map((_, at) => (at ? 7 : 'u')),
  }))
  const others = again.map((query) => (query.after === undefined ? query : { ...query, equals: ['t'] }))
  expect(others.map((query) => selectPage(layout, things.byRank, query, 3).sql)).toEqual(texts)
  const count = selectCount(layout, things.byRank, { equals: ['t'] }, 50).sql
  expect(texts).not.toContain(count)
  expect(selectCount(layout, things.byRank, { equals: ['u'] }, 1000).sql).toBe(count)
})

function planOf({ sql, values }: Select): string {
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
  return rows.map(({ detail }) => String(detail)).join('; ')
}
