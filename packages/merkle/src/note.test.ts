import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  addSignatures,
  formatCheckpoint,
  formatNote,
  leafHash,
  parseNote,
  parseVerifierKey,
  signNote,
  signerFromSeed,
  verifyNote,
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

describe('a signed note', () => {
  test('opens with the key that signed it, and prints back', () => {
    expect(verifyNote(note, [log.verifierKey])).toMatchObject({ text: body, verified: [origin] })
    const parsed = parseNote(note)
    expect(formatNote(parsed.text, parsed.signatures)).toBe(note)
    expect(note.endsWith('\n')).toBe(true)
  })

  test('never opens once any character is another', () => {
    fc.assert(
      fc.property(
        fc.nat(note.length - 1),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (at, character) => {
          fc.pre(note[at] !== character)
          expect(() => verifyNote(replaceAt(note, at, character), [log.verifierKey])).toThrow()
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each(['\r', '\t', '\u0000', '\u001f', '\ud800'])('with the character %j is malformed', (character) => {
    expect(() => parseNote(character + note)).toThrow(code('malformed_note'))
  })

  test.each([
    ['no signature', `${body}\n`],
    ['a name with a no-break space', note.replace(`— ${origin}`, '— log\u00a0x')],
    ['a name with a plus', note.replace(`— ${origin}`, '— log+x')],
    ['two spaces', note.replace('— ', '—  ')],
    ['a space behind', note.replace(/\n$/, ' \n')],
    ['base64 without its padding', note.replace(/=+\n$/, '\n')],
    ['a signature of no bytes', `${body}\n— ${origin} AAAAAA==\n`],
    ['an endless note', `${'a'.repeat(1_000_000)}${note}`],
    ['more than 100 signatures', note + `— x.example AAAAAAA=\n`.repeat(100)],
  ])('with %s is malformed', (_, text) => {
    expect(() => parseNote(text)).toThrow(code('malformed_note'))
  })

  test('is refused when a known key has a bad signature, even beside a good one', () => {
    const signature = { name: other.name, keyId: other.keyId, signature: new Uint8Array(64) }
    const both = addSignatures(note, [signature])
    expect(verifyNote(both, [log.verifierKey]).verified).toEqual([origin])
    expect(() => verifyNote(both, [log.verifierKey, other.verifierKey])).toThrow(code('bad_signature'))
    expect(() => verifyNote(note, [other.verifierKey])).toThrow(code('no_known_signature'))
    expect(() => verifyNote(note, [])).toThrow(code('no_known_signature'))
  })

  test('with two keys under one name and id is not decided', () => {
    const key = parseVerifierKey(log.verifierKey)
    const twin = { ...key, publicKey: parseVerifierKey(other.verifierKey).publicKey }
    expect(() => verifyNote(note, [key, twin])).toThrow(code('ambiguous_key'))
    expect(verifyNote(note, [key, key, log.verifierKey]).verified).toEqual([origin])
  })

  test('is not made of parts that would not read back', async () => {
    await expect(signNote('no newline', log)).rejects.toEqual(code('malformed_note'))
    await expect(signNote('text\n')).rejects.toEqual(code('malformed_note'))
    await expect(signNote('text\n', { ...log, name: 'a b' })).rejects.toEqual(code('malformed_note'))
    await expect(signNote('text\n', { ...log, keyId: 'zz' })).rejects.toEqual(code('malformed_note'))
    await expect(signNote('tab\t\n', log)).rejects.toEqual(code('malformed_note'))
  })
})
