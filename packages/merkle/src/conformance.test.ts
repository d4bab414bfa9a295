import { hash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  consistencyProof,
  decodeEntryBundle,
  encodeEntryBundle,
  entriesPath,
  formatCheckpoint,
  formatNote,
  formatTlogProof,
  inclusionProof,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  tilePath,
  tileSource,
  tileWidth,
  tilesFor,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from './index.ts'

const folder = process.env.CONFORMANCE_VECTORS ?? ''
if (!folder) console.warn('CONFORMANCE_VECTORS is not set to a folder: the conformance vectors are skipped')

interface InclusionCase {
  name: string
  leafIdx: string
  treeSize: string
  root: string | null
  leafHash: string | null
  proof: string[] | null
  wantErr: boolean
}
interface ConsistencyCase {
  name: string
  size1: string
  size2: string
  root1: string | null
  root2: string | null
  proof: string[] | null
  wantErr: boolean
}
interface LogVectors {
  origin: string
  verifierKey: string
  checkpoints: { size: number; note: string }[]
  proofs: { size: number; index: number; entry: string; text: string }[]
  consistency: { from: number; to: number; hashes: string[] }[]
  notes: { name: string; note: string; opens: boolean }[]
}

const decode = (base64: string | null) => new Uint8Array(Buffer.from(base64 ?? '', 'base64'))
const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const entry = (index: number) => new Uint8Array(hash('sha256', `entry ${index}`, 'buffer'))

const load = (...path: string[]): unknown => JSON.parse(readFileSync(join(folder, ...path), 'utf8'))

describe.skipIf(!folder)('RFC 6962 proofs of transparency-dev/merkle (CONFORMANCE_VECTORS)', () => {
  const inclusion = folder ? (load('rfc6962', 'inclusion.json') as InclusionCase[]) : []
  const consistency = folder ? (load('rfc6962', 'consistency.json') as ConsistencyCase[]) : []

  test.each(inclusion)('inclusion $name', (each) => {
    const valid = verifyInclusion({
      index: Number(each.leafIdx),
      size: Number(each.treeSize),
      leafHash: decode(each.leafHash),
      proof: (each.proof ?? []).map(decode),
      root: decode(each.root),
    })
    expect(valid).toBe(!each.wantErr)
  })

  test.each(consistency)('consistency $name', (each) => {
    const valid = verifyConsistency({
      from: Number(each.size1),
      to: Number(each.size2),
      fromRoot: decode(each.root1),
      toRoot: decode(each.root2),
      proof: (each.proof ?? []).map(decode),
    })
    expect(valid).toBe(!each.wantErr)
  })
})

describe.skipIf(!folder)('a log written by Tessera (CONFORMANCE_VECTORS)', () => {
  const vectors = folder
    ? (load('c2sp', 'vectors.json') as LogVectors)
    : { origin: '', verifierKey: '', checkpoints: [], proofs: [], consistency: [], notes: [] }
  const checkpointOf = (size: number) => {
    const found = vectors.checkpoints.find((each) => each.size === size)
    if (!found) throw new Error(`no checkpoint of ${size}`)
    return { note: found.note, ...parseCheckpoint(verifyNote(found.note, [vectors.verifierKey]).text) }
  }
  const read = (path: string) => new Uint8Array(readFileSync(join(folder, 'c2sp', 'log', path)))
  const source = (size: number) =>
    tileSource((level, index, width) => {
      const path = tilePath(level, index, width)
      return read(existsSync(join(folder, 'c2sp', 'log', path)) ? path : tilePath(level, index))
    }, size)

  test.each(vectors.checkpoints)(
    'checkpoint $size opens, prints back and has the root of the tiles',
    async ({ note, size }) => {
      const opened = verifyNote(note, [vectors.verifierKey])
      const checkpoint = parseCheckpoint(opened.text)
      expect(opened.verified).toEqual([vectors.origin])
      expect({ origin: checkpoint.origin, size: checkpoint.size }).toEqual({ origin: vectors.origin, size })
      expect(formatNote(formatCheckpoint(checkpoint), parseNote(note).signatures)).toBe(note)
      expect(encode(await treeRoot(size, source(size)))).toBe(encode(checkpoint.root))
    },
  )

  test('every tile holds the leaf hashes of the entry bundle beside it, and bundles print back', () => {
    let seen = 0
    for (const { size } of vectors.checkpoints) {
      for (const { index, width } of tilesFor(0, size).filter(({ level }) => level === 0)) {
        const bundle = read(entriesPath(index, width))
        const entries = decodeEntryBundle(bundle)
        expect(entries).toEqual(Array.from({ length: width }, (_, place) => entry(index * 256 + place)))
        expect(encode(encodeEntryBundle(entries))).toBe(encode(bundle))
        expect(encode(Buffer.concat(entries.map(leafHash)))).toBe(encode(read(tilePath(0, index, width))))
        expect(tileWidth(0, index, size)).toBe(width)
        seen++
      }
    }
    expect(seen).toBeGreaterThan(9)
  })

  test.each(vectors.proofs)(
    'tlog-proof of $index in $size prints back, verifies and is made again',
    async (each) => {
      const proof = parseTlogProof(each.text)
      expect(formatTlogProof(proof)).toBe(each.text)
      const { root, size } = parseCheckpoint(verifyNote(proof.checkpoint, [vectors.verifierKey]).text)
      const leaf = leafHash(Buffer.from(each.entry, 'hex'))
      expect(each.entry).toBe(Buffer.from(entry(each.index)).toString('hex'))
      expect(verifyInclusion({ ...proof, size, leafHash: leaf, root })).toBe(true)
      expect(verifyInclusion({ ...proof, size, leafHash: leafHash(leaf), root })).toBe(false)
      const made = await inclusionProof(each.index, each.size, source(each.size))
      const { note } = checkpointOf(each.size)
      expect(formatTlogProof({ ...proof, index: each.index, proof: made, checkpoint: note })).toBe(each.text)
    },
  )

  test.each(vectors.consistency)('consistency of $from and $to verifies and is made again', async (each) => {
    const { from, to } = each
    const proof = each.hashes.map(decode)
    const roots = { fromRoot: checkpointOf(from).root, toRoot: checkpointOf(to).root }
    expect(verifyConsistency({ from, to, ...roots, proof })).toBe(true)
    expect((await consistencyProof(from, to, source(to))).map(encode)).toEqual(each.hashes)
  })

  test.each(vectors.notes)('note "$name" opens: $opens', ({ note, opens }) => {
    const open = () => verifyNote(note, [vectors.verifierKey])
    if (opens) expect(open().verified).toEqual([vectors.origin])
    else expect(open).toThrow()
  })
})
