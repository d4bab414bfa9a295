import { describe, expect, it } from 'vitest'
import { keccak256 } from './keccak.ts'
import { encodeRlp } from './rlp.ts'
import type { RlpItem } from './rlp.ts'
import { emptyTrieRoot, TrieError, trieLookup } from './trie-lookup.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'ascii'))
const none = new Uint8Array(0)
const word = bytes('a value that is longer than 32 bytes')

/** A branch with the given children and value. */
function branch(children: Record<number, RlpItem>, value: RlpItem = none): RlpItem {
  return [...Array.from({ length: 16 }, (_, nibble) => children[nibble] ?? none), value]
}

function rootOf(node: RlpItem): Uint8Array {
  return keccak256(encodeRlp(node))
}

describe('a Merkle-Patricia proof', () => {
  it('follows branches, extensions and leaves by hash, over odd and even paths', () => {
    const odd = [hex('3b'), word] // leaf, odd: nibble b
    const even = [hex('20cd'), word] // leaf, even: nibbles c d
    const inner = branch({ 0xa: rootOf(odd), 0x9: rootOf(even) })
    const extension = [hex('0012'), rootOf(inner)]
    const top = [extension, inner].map(encodeRlp)
    expect(trieLookup(rootOf(extension), hex('12ab'), [...top, encodeRlp(odd)])).toEqual(word)
    // 12 9 c d would be an odd number of nibbles: a whole-byte key cannot end there.
    expect(trieLookup(rootOf(extension), hex('129c'), [...top, encodeRlp(even)])).toBeUndefined()
    const extensionOdd = [hex('11'), rootOf(branch({ 2: rootOf(even) }))]
    expect(
      trieLookup(rootOf(extensionOdd), hex('12cd'), [
        encodeRlp(extensionOdd),
        encodeRlp(branch({ 2: rootOf(even) })),
        encodeRlp(even),
      ]),
    ).toEqual(word)
  })

  it('follows a node that stands inside its parent, listed again or not', () => {
    const small = [hex('3b'), bytes('v')]
    const top = branch({ 0xa: small })
    expect(trieLookup(rootOf(top), hex('ab'), [encodeRlp(top)])).toEqual(bytes('v'))
    expect(trieLookup(rootOf(top), hex('ab'), [encodeRlp(top), encodeRlp(small)])).toEqual(bytes('v'))
  })

  it('proves that a key is absent', () => {
    const leaf = [hex('3b'), word]
    const top = branch({ 0xa: rootOf(leaf) })
    expect(trieLookup(emptyTrieRoot, hex('ab'), [])).toBeUndefined()
    expect(trieLookup(emptyTrieRoot, hex('ab'), [hex('80')])).toBeUndefined()
    expect(trieLookup(rootOf(top), hex('bb'), [encodeRlp(top)])).toBeUndefined()
    expect(trieLookup(rootOf(top), hex('ac'), [encodeRlp(top), encodeRlp(leaf)])).toBeUndefined()
    const extension = [hex('001234'), rootOf(top)]
    expect(trieLookup(rootOf(extension), hex('1235ab'), [encodeRlp(extension)])).toBeUndefined()
  })

  it('finds a value in the branch where the key ends', () => {
    const end = branch({}, bytes('v')) // 19 bytes: stands inside its parent, which is then too long to
    const middle = branch({ 0xb: end })
    const top = branch({ 0xa: rootOf(middle) })
    expect(trieLookup(rootOf(top), hex('ab'), [top, middle].map(encodeRlp))).toEqual(bytes('v'))
  })

  const leaf = [hex('3b'), word]
  const wide = branch({ 0xa: rootOf(leaf) })
  const hostile: readonly (readonly [string, RlpItem, readonly RlpItem[], TrieError['code']])[] = [
    ['a node with another hash', wide, [wide, [hex('3b'), bytes('forged')]], 'wrong_hash'],
    ['a proof that stops halfway', wide, [wide], 'proof_ended'],
    ['nodes after the value', wide, [wide, leaf, leaf], 'proof_too_long'],
    ['nodes after an absence', branch({}), [branch({}), leaf], 'proof_too_long'],
    ['a branch of 16 items', Array.from({ length: 16 }, () => none), [], 'bad_node'],
    ['a node that is a string', bytes('a string'), [], 'bad_node'],
    ['a path that is a list', [[hex('3b')], word], [], 'bad_node'],
    ['an empty path', [none, word], [], 'bad_node'],
    ['an unknown path prefix', [hex('4b'), word], [], 'bad_node'],
    ['a stray nibble in an even path', [hex('21ab'), word], [], 'bad_node'],
    ['a leaf whose value is a list', [hex('20ab'), [word]], [], 'bad_node'],
    ['an extension of no nibbles', [hex('00'), rootOf(leaf)], [], 'bad_node'],
    ['an extension to nothing', [hex('1a'), none], [], 'bad_node'],
    ['a child of 31 bytes', branch({ 0xa: new Uint8Array(31).fill(1) }), [], 'bad_node'],
    ['a child of 33 bytes', branch({ 0xa: new Uint8Array(33).fill(1) }), [], 'bad_node'],
    ['an embedded node as long as a hash', branch({ 0xa: leaf }), [], 'bad_node'],
  ]
  it.each(hostile)('refuses %s', (_, root, nodes, code) => {
    const proof = (nodes.length === 0 ? [root] : nodes).map(encodeRlp)
    let thrown: unknown
    try {
      trieLookup(rootOf(root), hex('ab'), proof)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(TrieError)
    expect(thrown).toMatchObject({ code })
  })

  it('refuses a branch whose value is a list', () => {
    const top = branch({}, [word])
    expect(() => trieLookup(rootOf(top), none, [encodeRlp(top)])).toThrow(TrieError)
  })

  it('refuses bytes that are not RLP', () => {
    const bad = hex('8101')
    expect(() => trieLookup(keccak256(bad), hex('ab'), [bad])).toThrow(TrieError)
  })
})
