import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  appendLeaf,
  emptyFrontier,
  emptyRoot,
  frontierFrom,
  frontierRoot,
  leafHash,
  nodeHash,
  treeRoot,
} from './index.ts'

const leaf = (index: number) => leafHash(Buffer.from(`leaf ${index}`))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('hashes', () => {
  test('follow RFC 6962', () => {
    expect(hex(emptyRoot())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(hex(leafHash(new Uint8Array(0)))).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    )
    expect(hex(leafHash(Buffer.from('L123456')))).toBe(
      '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56',
    )
    const node = nodeHash(leafHash(Buffer.alloc(32, 1)), leafHash(Buffer.alloc(32, 2)))
    expect(node).toHaveLength(32)
    expect(node.constructor).toBe(Uint8Array)
  })

  test('of two nodes never share bytes', () => {
    const first = leafHash(Buffer.alloc(32, 1))
    const before = hex(first)
    leafHash(Buffer.alloc(32, 2)).fill(0)
    expect(hex(first)).toBe(before)
    expect(() => nodeHash(first, new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'bad_hash' }))
    emptyRoot().fill(0)
    expect(hex(emptyRoot())).toMatch(/^e3b0/)
  })
})

describe('a frontier', () => {
  test('has the root of the whole tree at every size', async () => {
    const frontier = emptyFrontier()
    const tree = new MemoryTree()
    expect(frontierRoot(frontier)).toEqual(emptyRoot())
    for (let size = 1; size <= 600; size++) {
      appendLeaf(frontier, leaf(size))
      tree.append(leaf(size))
      expect(hex(frontierRoot(frontier))).toBe(hex(await treeRoot(size, tree.source)))
    }
  })

  test('goes on from its stored parts as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (first, second) => {
        const whole = emptyFrontier()
        for (let at = 0; at < first; at++) appendLeaf(whole, leaf(at))
        const restored = frontierFrom(whole.size, structuredClone(whole.hashes))
        for (let at = first; at < first + second; at++) {
          appendLeaf(whole, leaf(at))
          appendLeaf(restored, leaf(at))
        }
        expect(restored).toEqual(whole)
      }),
    )
  })

  test('tells of each full subtree once, children first', () => {
    const seen: string[] = []
    const frontier = emptyFrontier()
    for (let at = 0; at < 4; at++)
      appendLeaf(frontier, leaf(at), (level, index) => seen.push(`${level}/${index}`))
    expect(seen).toEqual(['0/0', '0/1', '1/0', '0/2', '0/3', '1/1', '2/0'])
  })

  test('holds up to 2^53 - 1 leaves and not one more', () => {
    const nearlyFull = frontierFrom(
      Number.MAX_SAFE_INTEGER - 1,
      Array.from({ length: 52 }, () => leaf(1)),
    )
    appendLeaf(nearlyFull, leaf(2))
    expect(nearlyFull.hashes).toHaveLength(53)
    expect(() => appendLeaf(nearlyFull, leaf(3))).toThrow(expect.objectContaining({ code: 'bad_size' }))
    const past32 = frontierFrom(
      2 ** 32 - 1,
      Array.from({ length: 32 }, () => leaf(1)),
    )
    appendLeaf(past32, leaf(2))
    expect([past32.size, past32.hashes.length]).toEqual([2 ** 32, 1])
  })

  test('is refused when its parts do not fit its size', () => {
    for (const [size, hashes] of [
      [3, [leaf(0)]],
      [1, [new Uint8Array(31)]],
      [0, [leaf(0)]],
    ] as const) {
      expect(() => frontierFrom(size, hashes)).toThrow(expect.objectContaining({ code: 'bad_hash' }))
    }
    expect(() => frontierFrom(NaN, [])).toThrow(expect.objectContaining({ code: 'bad_size' }))
    expect(() => appendLeaf(emptyFrontier(), new Uint8Array(31))).toThrow(
      expect.objectContaining({ code: 'bad_hash' }),
    )
  })
})
