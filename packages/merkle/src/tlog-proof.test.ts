import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  formatCheckpoint,
  formatTlogProof,
  inclusionProof,
  leafHash,
  parseTlogProof,
  signNote,
  signerFromSeed,
  verifyTlogProof,
} from './index.ts'

const code = (code: string): unknown => expect.objectContaining({ code })
const origin = 'log.example/test'
const log = signerFromSeed(origin, new Uint8Array(32).fill(1))
const other = signerFromSeed('log.example/other', new Uint8Array(32).fill(2))
const entry = (index: number) => Buffer.from(`entry ${index}`)
const tree = new MemoryTree(Array.from({ length: 11 }, (_, index) => leafHash(entry(index))))
const body = formatCheckpoint({ origin, size: tree.size, root: tree.root })
const note = await signNote(body, log)
const replaceAt = (text: string, at: number, character: string) =>
  text.slice(0, at) + character + text.slice(at + 1)

describe('a tlog-proof', () => {
  const make = async (index: number, extra?: Uint8Array) =>
    formatTlogProof({
      index,
      proof: await inclusionProof(index, tree.size, tree.source),
      checkpoint: note,
      ...(extra && { extra }),
    })

  test('proves its entry and no other', async () => {
    for (let index = 0; index < tree.size; index++) {
      const text = await make(index, index % 2 ? Buffer.from('extra') : undefined)
      expect(verifyTlogProof(text, entry(index), { logKey: log.verifierKey })).toMatchObject({
        origin,
        index,
        size: 11,
      })
      expect(() => verifyTlogProof(text, entry(index + 1), { logKey: log.verifierKey })).toThrow(
        code('bad_tlog_proof'),
      )
      expect(() => verifyTlogProof(text, entry(index), { logKey: other.verifierKey })).toThrow(
        code('no_known_signature'),
      )
      expect(formatTlogProof(parseTlogProof(text))).toBe(text)
    }
  })

  test('with one character changed is refused', async () => {
    const text = await make(6)
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (at, character) => {
          fc.pre(text[at] !== character)
          const changed = replaceAt(text, at, character)
          expect(() => verifyTlogProof(changed, entry(6), { logKey: log.verifierKey })).toThrow()
        },
      ),
      { numRuns: 500 },
    )
  })

  test('in another spelling is refused', async () => {
    const text = await make(6, Buffer.from('extra'))
    const hash = text.split('\n')[3] ?? ''
    for (const wrong of [
      '',
      text.replace('@v1', '@v2'),
      text.replaceAll('\n', '\r\n'),
      text.replace('index 6', 'index 06'),
      text.replace('index 6', 'index -6'),
      text.replace('index 6', 'index 9007199254740992'),
      text.replace('index 6', 'index 6 '),
      text.replace('index 6\n', ''),
      text.replace(/extra .*\n/, 'extra \n'),
      text.replace(/extra .*\n/, 'extra A\n'),
      text.replace(/(extra .*\n)/, '$1$1'),
      text.replace(/(extra .*\n)(index .*\n)/, '$2$1'),
      text.replace(hash, hash.slice(1)),
      text.replace(hash, ` ${hash}`),
      text.replace(`${hash}\n`, `${hash}\n`.repeat(60)),
      text.slice(0, text.indexOf('\n\n')),
      text.slice(0, -1),
    ]) {
      expect(() => parseTlogProof(wrong)).toThrow(code('bad_tlog_proof'))
    }
  })

  test('is not written where it would not read back', () => {
    const parts = { index: 0, proof: [], checkpoint: note }
    expect(() => formatTlogProof({ ...parts, index: NaN })).toThrow(code('bad_tlog_proof'))
    expect(() => formatTlogProof({ ...parts, proof: [new Uint8Array(31)] })).toThrow(code('bad_tlog_proof'))
    expect(() => formatTlogProof({ ...parts, checkpoint: 'x' })).toThrow(code('bad_tlog_proof'))
  })
})
