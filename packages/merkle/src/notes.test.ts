import { generateKeyPairSync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  addSignatures,
  cosign,
  formatCheckpoint,
  formatNote,
  formatSignerKey,
  formatTlogProof,
  formatVerifierKey,
  inclusionProof,
  leafHash,
  noteAlgorithms,
  noteKeyId,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseSignerKey,
  parseTlogProof,
  parseVerifierKey,
  signNote,
  signerFromSeed,
  verifyNote,
  verifyTlogProof,
} from './index.ts'

const code = (code: string): unknown => expect.objectContaining({ code })
const origin = 'log.example/test'
const log = signerFromSeed(origin, new Uint8Array(32).fill(1))
const other = signerFromSeed('log.example/other', new Uint8Array(32).fill(2))
const witnesses = ['w1.example', 'w2.example'].map((name, at) =>
  signerFromSeed(name, new Uint8Array(32).fill(10 + at), noteAlgorithms.cosignature),
)
const witnessKeys = witnesses.map(({ verifierKey }) => verifierKey)
const entry = (index: number) => Buffer.from(`entry ${index}`)
const tree = new MemoryTree(Array.from({ length: 11 }, (_, index) => leafHash(entry(index))))
const body = formatCheckpoint({ origin, size: tree.size, root: tree.root })
const note = await signNote(body, log)
const replaceAt = (text: string, at: number, character: string) =>
  text.slice(0, at) + character + text.slice(at + 1)

describe('verifier keys', () => {
  // The key and note of the documentation of golang.org/x/mod/sumdb/note.
  const peter = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const says =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"

  test('of Go read, print back and open a note', () => {
    const key = parseVerifierKey(peter)
    expect(key).toMatchObject({ name: 'PeterNeumann', keyId: 'c74f20a3', algorithm: 1 })
    expect(formatVerifierKey(key.name, key.publicKey)).toBe(peter)
    expect(noteKeyId(key.name, 1, key.publicKey)).toBe('c74f20a3')
    const signature =
      'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM='
    const signed = `${says}\n— PeterNeumann ${signature}\n`
    expect(verifyNote(signed, [peter])).toMatchObject({ text: says, verified: ['PeterNeumann'] })
  })

  test.each([
    ...[
      '',
      'a',
      'a+b',
      '+c74f20a3+ARpc',
      peter.replace('c74f', 'C74F'),
      peter.replace('c74f', 'c74e'),
      `${peter}=`,
    ],
    ...[
      `${peter}\n`,
      ` ${peter}`,
      peter.slice(0, -4),
      peter.replace('Peter', 'Pe ter'),
      peter.replace('+ARpc', '+ARpd'),
    ],
  ])('refuse %j', (text) => {
    expect(() => parseVerifierKey(text)).toThrow(code('malformed_key'))
  })

  test('of an algorithm that is not spoken here are refused by that name', () => {
    expect(() => parseVerifierKey(peter.replace('+AR', '+BR'))).toThrow(code('unknown_algorithm'))
    expect(() => parseVerifierKey(peter.replace('+AR', '+Bh'))).toThrow(code('unknown_algorithm'))
  })

  test('belong to their private keys, whose text reads back', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const seed = new Uint8Array(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'))
    const point = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'))
    for (const algorithm of Object.values(noteAlgorithms)) {
      const signer = parseSignerKey(formatSignerKey('a.example', seed, algorithm))
      expect(signer.verifierKey).toBe(formatVerifierKey('a.example', point, algorithm))
    }
    const text = formatSignerKey('a.example', seed)
    for (const wrong of ['', text.slice(1), text.replace('a.e', 'b.e'), `${text}A`, text.slice(0, -8)]) {
      expect(() => parseSignerKey(wrong)).toThrow(code('malformed_key'))
    }
  })
})

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

describe('a checkpoint', () => {
  test('reads back, with its extension lines', () => {
    expect(parseCheckpoint(body)).toEqual({ origin, size: 11, root: tree.root, extensions: [] })
    const extended = formatCheckpoint({
      origin,
      size: Number.MAX_SAFE_INTEGER,
      root: tree.root,
      extensions: ['a', 'b'],
    })
    expect(formatCheckpoint(parseCheckpoint(extended))).toBe(extended)
  })

  test.each([
    ...[
      '',
      '\n',
      body.slice(0, -1),
      `${body}\n`,
      `${body}x`,
      `${body}\nx\n`,
      body.replace('\n11\n', '\n011\n'),
    ],
    ...['+11', '-1', '11 ', ' 11', '1e1', '0x1', '11.0', '', '9007199254740992', '1'.repeat(400)].map(
      (size) => body.replace('\n11\n', `\n${size}\n`),
    ),
    ...[
      body.replace('=\n', '\n'),
      body.replace('=\n', '=\r\n'),
      body.replace('=\n', '==\n'),
      body.replace(origin, ''),
    ],
    note,
  ])('in another spelling is refused: %j', (text) => {
    expect(() => parseCheckpoint(text)).toThrow(code('bad_checkpoint'))
  })

  test('with stray bits in its base64 is refused', () => {
    const line = body.split('\n')[2] ?? ''
    const last = line.at(-2) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const stray = alphabet.charAt(alphabet.indexOf(last) + 1)
    expect(() => parseCheckpoint(body.replace(line, `${line.slice(0, -2)}${stray}=`))).toThrow(
      code('bad_checkpoint'),
    )
  })

  test('is not written where it would not read back', () => {
    const { root } = tree
    expect(() => formatCheckpoint({ origin, size: -1, root })).toThrow(code('bad_size'))
    expect(() => formatCheckpoint({ origin: 'a\nb', size: 1, root })).toThrow(code('bad_checkpoint'))
    expect(() => formatCheckpoint({ origin, size: 1, root: root.slice(1) })).toThrow(code('bad_checkpoint'))
    expect(() => formatCheckpoint({ origin, size: 1, root, extensions: [''] })).toThrow(
      code('bad_checkpoint'),
    )
  })
})

describe('witnesses', () => {
  test('are counted with the time that they state', async () => {
    const [first, second] = witnesses
    const once = await cosign(note, first!, 1_679_315_147)
    const twice = await cosign(once, second!, 1_679_315_148)
    expect(openCheckpoint(twice, { logKey: log.verifierKey, witnessKeys })).toMatchObject({
      size: 11,
      witnesses: [
        { name: 'w1.example', time: 1_679_315_147 },
        { name: 'w2.example', time: 1_679_315_148 },
      ],
    })
    expect(openCheckpoint(twice, { logKey: log.verifierKey }).witnesses).toEqual([])
    expect(await cosign(once, first!, 5)).toBe(once)
  })

  test('cannot be made to state another time, nor sign in place of the log', async () => {
    const [first] = witnesses
    const cosigned = await cosign(note, first!, 100)
    const { text, signatures } = parseNote(cosigned)
    const moved = signatures.map((line) => ({ ...line, signature: Uint8Array.from(line.signature) }))
    moved[1]!.signature[7] = 101
    const trust = { logKey: log.verifierKey, witnessKeys }
    expect(() => openCheckpoint(formatNote(text, moved), trust)).toThrow(code('bad_signature'))
    expect(() => openCheckpoint(formatNote(text, signatures.slice(1)), trust)).toThrow(
      code('no_known_signature'),
    )
    expect(() => openCheckpoint(note, { logKey: witnessKeys[0]! })).toThrow(code('unknown_algorithm'))
    expect(() => openCheckpoint(note, { ...trust, witnessKeys: [log.verifierKey] })).toThrow(
      code('unknown_algorithm'),
    )
    await expect(cosign(note, first!, NaN)).rejects.toEqual(code('malformed_note'))
  })

  test('count once however many names one key has', async () => {
    const seed = new Uint8Array(32).fill(10)
    const alias = signerFromSeed('alias.example', seed, noteAlgorithms.cosignature)
    const twice = await cosign(await cosign(note, witnesses[0]!, 1), alias, 2)
    const trust = { logKey: log.verifierKey, witnessKeys: [...witnessKeys, alias.verifierKey] }
    expect(openCheckpoint(twice, trust).witnesses).toEqual([{ name: 'w1.example', time: 1 }])
  })

  test('speak the format of the C2SP example', () => {
    const example =
      'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
      '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
      '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n'
    const { text, signatures } = parseNote(example)
    expect(parseCheckpoint(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 })
    expect(signatures.map(({ signature }) => signature.length)).toEqual([64, 72])
    expect(formatNote(text, signatures)).toBe(example)
  })

  test('of another log do not open this one', async () => {
    const foreign = await signNote(body, other)
    expect(() => openCheckpoint(foreign, { logKey: other.verifierKey })).toThrow(code('bad_signature'))
  })
})

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
