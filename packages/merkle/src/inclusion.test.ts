import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { MerkleTree } from 'merkletreejs'
import { describe, expect, test } from 'vitest'
import { MemoryTree, inclusionNodes, inclusionProof, leafHash, verifyInclusion } from './index.ts'

const leaf = (index: number) => leafHash(Buffer.from(`leaf ${index}`))
const leaves = (size: number) => Array.from({ length: size }, (_, index) => leaf(index))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const big = Number.MAX_SAFE_INTEGER

/** A size and an index in it. */
const place = fc.integer({ min: 1, max: 300 }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)))

function flipped(hash: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(hash)
  copy[Math.floor(bit / 8) % copy.length]! ^= 1 << (bit % 8)
  return copy
}

describe('inclusion', () => {
  test('every leaf of every tree up to 130 leaves is proven', async () => {
    const tree = new MemoryTree()
    for (let size = 1; size <= 130; size++) {
      tree.append(leaf(size - 1))
      for (let index = 0; index < size; index++) {
        const proof = await inclusionProof(index, size, tree.source)
        expect(verifyInclusion({ index, size, leafHash: leaf(index), proof, root: tree.root })).toBe(true)
      }
    }
  })

  test('a proof is for one leaf, one index, one size and one root', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.nat(255), fc.nat(), async ([index, size], bit, pick) => {
        const tree = new MemoryTree(leaves(size))
        const proof = await inclusionProof(index, size, tree.source)
        const claim = { index, size, leafHash: leaf(index), proof, root: tree.root }
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, leafHash: flipped(claim.leafHash, bit) })).toBe(false)
        expect(verifyInclusion({ ...claim, root: flipped(claim.root, bit) })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: [...proof, tree.root] })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: [tree.root, ...proof] })).toBe(false)
        for (let other = 0; other < size; other++) {
          if (other !== index) expect(verifyInclusion({ ...claim, index: other })).toBe(false)
        }
        if (proof.length === 0) return
        const changed = proof.map((hash, at) => (at === pick % proof.length ? flipped(hash, bit) : hash))
        expect(verifyInclusion({ ...claim, proof: changed })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: proof.slice(0, -1) })).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  test('refuses an inner node that is passed off as a leaf', async () => {
    const tree = new MemoryTree(leaves(4))
    const inner = tree.source(1, 0)
    const proof = [tree.source(1, 1)]
    expect(verifyInclusion({ index: 0, size: 2, leafHash: inner, proof, root: tree.root })).toBe(true)
    expect(verifyInclusion({ index: 0, size: 4, leafHash: inner, proof, root: tree.root })).toBe(false)
    expect(hex(leafHash(Buffer.concat([leaf(0), leaf(1)])))).not.toBe(hex(inner))
  })

  test('asks for the right subtrees where sizes outgrow 32 bits', () => {
    expect(inclusionNodes(2 ** 32, 2 ** 32 + 1)).toEqual([[{ level: 32, index: 0 }]])
    expect(inclusionNodes(0, 2 ** 32 + 1).at(-1)).toEqual([{ level: 0, index: 2 ** 32 }])
    expect(inclusionNodes(0, 2 ** 32)).toHaveLength(32)
    expect(inclusionNodes(2 ** 32 - 2, 2 ** 32 - 1)).toHaveLength(31)
    expect(inclusionNodes(0, big)).toHaveLength(53)
    expect(inclusionNodes(0, big).at(-1)).toHaveLength(52)
    expect(inclusionNodes(big - 1, big)).toHaveLength(52)
  })
})

describe('merkletreejs builds the same tree', () => {
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest()
  const oracle = (size: number) =>
    new MerkleTree(
      leaves(size).map((hash) => Buffer.from(hash)),
      (data: Buffer) => sha256(Buffer.concat([Uint8Array.of(1), data])),
    )

  test.each([1, 2, 3, 4, 5, 7, 8, 13, 31, 64, 65, 100, 255, 257])('of %i leaves', async (size) => {
    const other = oracle(size)
    const tree = new MemoryTree(leaves(size))
    expect(hex(tree.root)).toBe(hex(other.getRoot()))
    for (let index = 0; index < size; index++) {
      const proof = await inclusionProof(index, size, tree.source)
      const theirs = other.getProof(Buffer.from(leaf(index)), index)
      expect(proof.map(hex)).toEqual(theirs.map(({ data }) => hex(data)))
    }
  })
})
