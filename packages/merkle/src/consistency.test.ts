import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  consistencyNodes,
  consistencyProof,
  emptyRoot,
  leafHash,
  treeRoot,
  verifyConsistency,
} from './index.ts'

const leaf = (index: number) => leafHash(Buffer.from(`leaf ${index}`))
const leaves = (size: number) => Array.from({ length: size }, (_, index) => leaf(index))
const big = Number.MAX_SAFE_INTEGER

/** A size and an index in it. */
const place = fc.integer({ min: 1, max: 300 }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)))

function flipped(hash: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(hash)
  copy[Math.floor(bit / 8) % copy.length]! ^= 1 << (bit % 8)
  return copy
}

describe('consistency', () => {
  test('every pair of sizes up to 70 is proven, and only as that pair', async () => {
    const tree = new MemoryTree(leaves(70))
    const roots = await Promise.all(Array.from({ length: 71 }, (_, size) => treeRoot(size, tree.source)))
    for (let to = 1; to <= 70; to++) {
      for (let from = 1; from <= to; from++) {
        const proof = await consistencyProof(from, to, tree.source)
        const claim = { from, to, fromRoot: roots[from]!, toRoot: roots[to]!, proof }
        expect(verifyConsistency(claim)).toBe(true)
        expect(verifyConsistency({ ...claim, proof: [...proof, emptyRoot()] })).toBe(false)
        if (from === to) continue
        expect(verifyConsistency({ ...claim, fromRoot: claim.toRoot, toRoot: claim.fromRoot })).toBe(false)
        expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false)
        expect(verifyConsistency({ ...claim, fromRoot: flipped(claim.fromRoot, from) })).toBe(false)
        expect(verifyConsistency({ ...claim, toRoot: flipped(claim.toRoot, to) })).toBe(false)
        expect(verifyConsistency({ ...claim, proof: proof.map((hash) => flipped(hash, 3)) })).toBe(false)
      }
    }
  })

  test('a log that rewrote one old leaf cannot prove that it only grew', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 100 }), async ([index, from], more) => {
        const honest = new MemoryTree(leaves(from))
        const to = from + more
        const rewritten = new MemoryTree(leaves(to).map((hash, at) => (at === index ? leaf(-1) : hash)))
        const proof = await consistencyProof(from, to, rewritten.source)
        const roots = { fromRoot: honest.root, toRoot: rewritten.root }
        expect(verifyConsistency({ from, to, ...roots, proof })).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  test('asks for the right subtrees where sizes outgrow 32 bits', () => {
    expect(consistencyNodes(2 ** 32, 2 ** 32 + 1)).toEqual([[{ level: 0, index: 2 ** 32 }]])
    expect(consistencyNodes(2 ** 32 - 1, 2 ** 32)).toHaveLength(33)
    expect(consistencyNodes(2 ** 52, big)).toHaveLength(1)
    expect(consistencyNodes(big - 1, big)[0]).toEqual([{ level: 1, index: (big - 3) / 2 }])
  })
})
