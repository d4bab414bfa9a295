import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Collection, collection } from '../collection.ts'
import { refusal } from '../contract/things.ts'
import { insert, replace } from '../write.ts'
import { openSqliteStore } from './sqlite-store.ts'

const schema = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  number: z.number(),
  tags: z.array(z.string()).optional(),
  until: z.date().optional(),
})
const before = collection('notes', { schema, partition: 'tenant', indexes: { byTenant: ['tenant'] } })
const after = collection('notes', {
  schema,
  partition: 'tenant',
  indexes: {
    byNumber: { keys: ['tenant', 'number'], unique: true, where: { number: { exists: true } } },
    byTag: ['tenant', 'tags[]'],
  },
  expires: 'until',
})

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'storage-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const logged: string[] = []
const open = (collections: Collection[]) =>
  openSqliteStore(dir, { name: 'notes', collections, log: (message) => logged.push(message) })
const note = (number: number) => ({ id: `n${number}`, tenant: 't', number, tags: [`tag${number % 2}`] })

describe('a new declaration', () => {
  test('has its indexes built from the documents that are there, the others dropped, and says so', async () => {
    const old = await open([before])
    await old.insertMany(
      before,
      Array.from({ length: 2500 }, (_, at) => note(at)),
    )
    await old.close()
    logged.length = 0
    const store = await open([after])
    expect(logged).toContain('building indexes')
    expect(logged).toContain('indexed documents')
    expect((await store.find(after.byNumber, { equals: ['t', 2401] })).items).toMatchObject([{ id: 'n2401' }])
    expect(await store.count(after.byTag, { equals: ['t', 'tag1'] }, { atMost: 5000 })).toBe(1250)
    expect(await refusal(store.commit([insert(after, { ...note(7), id: 'other' })]))).toMatchObject({
      index: 'byNumber',
    })
    await store.close()
    const db = new DatabaseSync(join(dir, 'notes.db'))
    const names = db.prepare(`SELECT name FROM sqlite_schema WHERE name GLOB '[ie]_notes_*'`).all()
    expect(names.map(({ name }) => String(name)).toSorted()).toEqual(['e_notes__byTag', 'i_notes__byNumber'])
    db.close()
  })

  test('follows changes made under the declaration between', async () => {
    const first = await open([after])
    await first.insertMany(after, [note(1), note(2)])
    await first.close()
    const second = await open([before])
    await second.commit([replace(before, { ...note(1), number: 9, tags: ['new'] }, 1)])
    await second.close()
    const store = await open([after])
    expect((await store.find(after.byNumber, { equals: ['t'] })).items.map(({ number }) => number)).toEqual([
      2, 9,
    ])
    expect(await store.count(after.byTag, { equals: ['t', 'new'] }, { atMost: 9 })).toBe(1)
    expect(await store.count(after.byTag, { equals: ['t', 'tag1'] }, { atMost: 9 })).toBe(0)
    await store.close()
  })

  test('is not built anew when nothing changed', async () => {
    await (await open([after])).close()
    logged.length = 0
    await (await open([after])).close()
    expect(logged).toEqual([])
  })

  test('is refused when the documents break its unique index', async () => {
    const old = await open([before])
    await old.insertMany(before, [note(1), { ...note(1), id: 'same' }])
    await old.close()
    expect(await refusal(open([after]))).toMatchObject({ code: 'DuplicateKey', index: 'byNumber' })
    // Nothing was lost: the old declaration still opens.
    const store = await open([before])
    expect(await store.count(before.byTenant, { equals: ['t'] }, { atMost: 9 })).toBe(2)
    await store.close()
  })

  test('is built anew after a crash while its indexes were being built', async () => {
    const first = await open([after])
    await first.insertMany(after, [note(1), note(2)])
    await first.close()
    const db = new DatabaseSync(join(dir, 'notes.db'))
    db.exec(`UPDATE collections SET ready = 0; DROP INDEX i_notes__byNumber; UPDATE d_notes SET f_number = 0;
      DELETE FROM e_notes__byTag WHERE id = 'n2'`)
    db.close()
    const store = await open([after])
    expect((await store.find(after.byNumber, { equals: ['t', 2] })).items).toMatchObject([{ id: 'n2' }])
    expect(await store.count(after.byTag, { equals: ['t', 'tag0'] }, { atMost: 9 })).toBe(1)
    await store.close()
  })

  test('stops the writers of the old one, whose rows would lack its columns', async () => {
    const old = await open([before])
    await old.commit([insert(before, note(1))])
    const store = await open([after])
    expect(await refusal(old.commit([insert(before, note(2))]))).toMatchObject({ code: 'Unavailable' })
    await store.commit([insert(after, note(3))])
    await old.close()
    await store.close()
  })
})

describe('expired documents', () => {
  test('are removed with their index entries, others stay', async () => {
    const store = await open([after])
    const past = new Date(Date.now() - 1000)
    await store.insertMany(after, [
      ...Array.from({ length: 1200 }, (_, at) => ({ ...note(at), until: past })),
      { ...note(5000), until: new Date(Date.now() + 60_000) },
      note(5001),
    ])
    await store.purge()
    expect(await store.get(after, 'n3')).toBeUndefined()
    expect((await store.find(after.byNumber, { equals: ['t'] })).items.map(({ id }) => id)).toEqual([
      'n5000',
      'n5001',
    ])
    expect(await store.count(after.byTag, { equals: ['t', 'tag0'] }, { atMost: 5000 })).toBe(1)
    await store.close()
  })
})

describe('a backup', () => {
  test('is a whole copy of one moment, made while commits go on', async () => {
    const store = await open([after])
    await store.insertMany(
      after,
      Array.from({ length: 500 }, (_, at) => note(at)),
    )
    const writing = (async () => {
      for (let at = 1000; at < 1300; at++) await store.commit([insert(after, note(at))])
    })()
    await store.backup(join(dir, 'copy'))
    await writing
    await store.close()
    const copy = await openSqliteStore(join(dir, 'copy'), { name: 'notes', collections: [after] })
    expect(await copy.get(after, 'n499')).toMatchObject({ number: 499, version: 1 })
    await copy.commit([insert(after, note(99_999))])
    await copy.close()
  })
})
