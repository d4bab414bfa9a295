import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  cosign,
  formatCheckpoint,
  formatNote,
  leafHash,
  noteAlgorithms,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  signNote,
  signerFromSeed,
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
    '',
    '\n',
    body.slice(0, -1),
    `${body}\n`,
    `${body}x`,
    `${body}\nx\n`,
    body.replace('\n11\n', '\n011\n'),
    ...['+11', '-1', '11 ', ' 11', '1e1', '0x1', '11.0', '', '9007199254740992', '1'.repeat(400)].map(
      (size) => body.replace('\n11\n', `\n${size}\n`),
    ),
    body.replace('=\n', '\n'),
    body.replace('=\n', '=\r\n'),
    body.replace('=\n', '==\n'),
    body.replace(origin, ''),
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
