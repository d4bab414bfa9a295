import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCsvRow } from './csv-row.ts'
import { manifestFormats } from './manifest-formats.ts'
import type { LineReader, ManifestEntry } from './manifest-formats.ts'

const digest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const hash = `sha256:${digest}`

function reader(type: string): LineReader {
  const make = manifestFormats[type]
  if (!make) throw new Error(`no format ${type}`)
  return make()
}

function csv(header: string, row: string): ManifestEntry {
  const read = reader('text/csv')
  read(header)
  return read(row)
}

test('reads back every CSV row that a writer of RFC 4180 writes', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', ' ', 'é', ';') })
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      const written = fields.map((one) => (/[",]/.test(one) ? `"${one.replaceAll('"', '""')}"` : one))
      expect(readCsvRow(written.join(','))).toStrictEqual(fields)
    }),
  )
})

test.each(['"a', 'a"b', '"a"b', '"a" ,b', '"', '"""'])('refuses the CSV row %j', (row) => {
  expect(readCsvRow(row)).toBeUndefined()
})

test('reads items from CSV, with several creators in a field', () => {
  const row = `"a, ""b"".png",${hash},cr_1;cr_2,false,train`
  expect(csv('reference,hash,creators,consent_required,prohibited_uses', row)).toMatchObject({
    item: {
      hash,
      reference: 'a, "b".png',
      creators: ['cr_1', 'cr_2'],
      consent_required: false,
      prohibited_uses: ['train'],
    },
  })
})

test.each(['reference', 'hash,what', 'hash,hash', '"hash', ''])('refuses the CSV header %j', (header) => {
  expect(() => reader('text/csv')(header)).toThrow('validation_failed')
})

test.each([
  ['hash,reference', hash],
  ['hash,reference', `${hash},a,b`],
  ['hash', digest],
  ['hash', hash.toUpperCase()],
  ['hash,consent_required', `${hash},maybe`],
  ['hash,prohibited_uses', `${hash},steal`],
  ['hash,reference', `${hash},"a`],
])('refuses the row below %j: %j', (header, row) => {
  expect(csv(header, row)).toHaveProperty('reason')
})

test('reads what sha256sum writes, escapes too', () => {
  const read = reader('text/plain')
  expect(read(`${digest}  a b.png`)).toMatchObject({ item: { hash, reference: 'a b.png' } })
  expect(read(`${digest} *dir/a`)).toMatchObject({ item: { reference: 'dir/a' } })
  expect(read(`\\${digest}  a\\\\b`)).toMatchObject({ item: { reference: 'a\\b' } })
  expect(read(`${digest}  a\\\\b`)).toMatchObject({ item: { reference: 'a\\\\b' } })
})

test.each([`\\${digest}  a\\nb`, digest, `${digest} a`, `${digest.toUpperCase()}  a`, `${digest}  `, 'x'])(
  'refuses the sum %j',
  (line) => {
    expect(reader('text/plain')(line)).toHaveProperty('reason')
  },
)

test.each([
  '{',
  '[]',
  'null',
  '1e999',
  `{"hash":"${hash}","hash":"${hash}"}`,
  `{"hash":"${hash}","__proto__":{}}`,
  `{"hash":"${hash}","other":1}`,
  `{"hash":{"$gt":""}}`,
  `{"hash":"md5:${digest}"}`,
  `{"hash":"${hash}","dataset":"ds_1"}`,
  '['.repeat(1000),
])('refuses the JSON line %j', (line) => {
  expect(reader('application/x-ndjson')(line)).toHaveProperty('reason')
})

test('never throws for a line, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...Object.keys(manifestFormats)),
      (text, type) => {
        const read = reader(type)
        if (type === 'text/csv') read('hash,reference')
        const entry = read(text)
        expect(entry === undefined || 'reason' in entry || 'item' in entry).toBe(true)
      },
    ),
  )
})
