import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { collection } from './collection.ts'
import { openStore } from './open-store.ts'

const schema = z.strictObject({
  id: z.string(),
  tenant: z.string(),
  a: z.array(z.string()),
  b: z.array(z.string()),
  name: z.string(),
  mixed: z.union([z.string(), z.number().nullable()]).optional(),
  mixedTags: z.array(z.union([z.date(), z.boolean()])),
  kind: z.enum(['x', 'y']).nullable().default('x'),
})
const refused = expect.objectContaining({ code: 'InvalidQuery' }) as unknown

describe('a declaration', () => {
  test('gives each index as a handle that knows its collection', () => {
    const notes = collection('notes', { schema, partition: 'tenant', indexes: { byA: ['tenant', 'a[]'] } })
    expect(notes.byA.collection).toBe(notes)
    expect(notes.byA.keys).toEqual([
      { field: 'tenant', each: false },
      { field: 'a', each: true },
    ])
  })

  test('knows the type of each key', () => {
    const indexes = { byKind: ['tenant', 'kind', 'a[]'] } as const
    expect(collection('notes', { schema, partition: 'tenant', indexes }).byKind.types).toEqual([
      'text',
      'text',
      'text',
    ])
  })

  test.each([
    [
      'a unique index that does not begin with the partition',
      'tenant',
      { x: { keys: ['name'], unique: true } },
    ],
    ['a unique index where the id is the partition', 'id', { x: { keys: ['id'], unique: true } }],
    ['two [] keys in an index', 'tenant', { x: ['tenant', 'a[]', 'b[]'] }],
    ['an index of no key', 'tenant', { x: [] }],
    ['a field twice in an index', 'tenant', { x: ['tenant', 'name', 'name'] }],
    ['an indexed field of two types', 'tenant', { x: ['tenant', 'mixed'] }],
    ['an indexed array of two types', 'tenant', { x: ['tenant', 'mixedTags[]'] }],
    ['an index named like a property of the collection', 'tenant', { schema: ['tenant'] }],
    ['an index name that SQL would read', 'tenant', { 'x; DROP': ['tenant'] }],
  ] as const)('refuses %s', (_, partition, indexes) => {
    expect(() => collection('notes', { schema, partition, indexes })).toThrow(refused)
  })

  test('refuses a name that SQL would read', () => {
    expect(() => collection('notes; DROP', { schema, partition: 'id' })).toThrow(refused)
  })
})

test('a URL of no adapter is refused, and its password not told', async () => {
  const opening = openStore('postgres://user:secret@host/db', { name: 'x', collections: [] })
  await expect(opening).rejects.toThrow(/^no store for a URL of scheme postgres$/)
})
