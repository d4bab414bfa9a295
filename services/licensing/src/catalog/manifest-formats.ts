import { Fault, manifestItem } from '@tallystick/protocol'
import type { ManifestItem } from '@tallystick/protocol'
import { parseStrictJson, StrictJsonError } from '@tallystick/receipt'
import { readCsvRow } from './csv-row.ts'

/** What a line of a manifest says: an item, nothing (a header), or what is wrong with it. */
export type ManifestEntry = { item: ManifestItem } | { reason: string } | undefined

/** Reads the lines of one file, in order. Throws Fault `validation_failed` for a header that cannot be used. */
export type LineReader = (text: string) => ManifestEntry

/** The manifest formats by content type: each gives a reader for one file. */
export const manifestFormats: Readonly<Record<string, () => LineReader>> = {
  'application/x-ndjson': () => readJsonLine,
  'text/csv': csvReader,
  'text/plain': () => readSumLine,
}

const digest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** What each format is, and a file of one item in it. */
export const manifestExamples: Readonly<Record<string, { description: string; example: string }>> = {
  'application/x-ndjson': {
    description: 'One item as JSON in each line, as `POST /v1/items` takes it, without `dataset`.',
    example: `{"hash":"sha256:${digest}","reference":"a.png","creators":["cr_123"]}\n`,
  },
  'text/csv': {
    description:
      'RFC 4180 with a header that names columns: `hash`, `reference`, `creators`, `consent_required`, `prohibited_uses`. Several values in one field stand with semicolons between them.',
    example: `hash,reference,creators\nsha256:${digest},a.png,cr_123;cr_456\n`,
  },
  'text/plain': { description: 'What `sha256sum` writes.', example: `${digest}  a.png\n` },
}

function readJsonLine(text: string): ManifestEntry {
  try {
    return check(parseStrictJson(text, { maxDepth: 8 }))
  } catch (error) {
    if (error instanceof StrictJsonError) return { reason: `is not valid JSON: ${error.message}` }
    throw error
  }
}

const columns = ['hash', 'reference', 'creators', 'consent_required', 'prohibited_uses'] as const

/** RFC 4180 with a header of known columns; several values in one field stand with semicolons between them. */
function csvReader(): LineReader {
  let header: string[] | undefined
  return (text) => {
    const row = readCsvRow(text)
    if (!header) {
      header = headerOf(row)
      return undefined
    }
    if (!row) return { reason: 'is not valid CSV: a quote is not closed or stands inside a field' }
    if (row.length !== header.length) return { reason: `has ${row.length} fields, not ${header.length}` }
    const fields: Record<string, unknown> = {}
    for (const [index, name] of header.entries()) {
      const value = row[index] ?? ''
      if (value !== '') fields[name] = fieldOf(name, value)
    }
    return check(fields)
  }
}

function headerOf(row: string[] | undefined): string[] {
  const known: readonly string[] = columns
  const refuse = (message: string) =>
    new Fault('validation_failed', {
      errors: [{ pointer: '', message, fix: `The first line names columns: ${columns.join(', ')}.` }],
    })
  if (!row?.includes('hash')) throw refuse('the CSV header names no column hash')
  if (!row.every((name) => known.includes(name))) throw refuse('the CSV header names an unknown column')
  if (new Set(row).size < row.length) throw refuse('the CSV header names a column twice')
  return row
}

function fieldOf(name: string, value: string): unknown {
  if (name === 'creators' || name === 'prohibited_uses') return value.split(';').map((one) => one.trim())
  if (name === 'consent_required' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

const sumLine = /^(\\?)([0-9a-f]{64}) [ *](.+)$/s

/** As `sha256sum` writes it: the digest, two spaces (or one and `*`), the name; a leading `\` tells of escapes. */
function readSumLine(text: string): ManifestEntry {
  const [, escaped, digest, name = ''] = sumLine.exec(text) ?? []
  if (digest === undefined) return { reason: 'is not as sha256sum writes: 64 hex digits, two spaces, a name' }
  return check({ hash: `sha256:${digest}`, reference: escaped === '' ? name : unescapeName(name) })
}

const escapes: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\r': '\r' }

function unescapeName(name: string): string {
  return name.replaceAll(/\\[\\nr]/g, (escape) => escapes[escape] ?? escape)
}

function check(value: unknown): ManifestEntry {
  const result = manifestItem.safeParse(value)
  if (result.success) return { item: result.data }
  const [issue] = result.error.issues
  return { reason: `/${issue?.path.join('/') ?? ''} ${issue?.message ?? 'is not an item'}` }
}
