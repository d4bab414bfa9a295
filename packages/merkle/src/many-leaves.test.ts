import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  inclusionProof,
  leafHash,
  multiInclusionProof,
  rangeProof,
  verifyMultiInclusion,
  verifyRange,
} from './index.ts'

const leaf = (index: number) => leafHash(Buffer.from(`leaf ${index}`))
const leaves = (size: number) => Array.from({ length: size }, (_, index) => leaf(index))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
/** A size and an index in it. */
const place = fc.integer({ min: 1, max: 300 }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)))

function flipped(hash: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(hash)
  copy[Math.floor(bit / 8) % copy.length]! ^= 1 << (bit % 8)
  return copy
}

describe('proofs of many leaves', () => {
  test('every range of every tree up to 24 leaves is proven, and only as that range', async () => {
    for (let size = 1; size <= 24; size++) {
      const tree = new MemoryTree(leaves(size))
      for (let start = 0; start < size; start++) {
        for (let end = start + 1; end <= size; end++) {
          const proof = await rangeProof(start, end, size, tree.source)
          const claim = { start, size, leafHashes: leaves(size).slice(start, end), proof, root: tree.root }
          expect(verifyRange(claim)).toBe(true)
          expect(verifyRange({ ...claim, start: start + 1 })).toBe(false)
          expect(verifyRange({ ...claim, leafHashes: claim.leafHashes.toReversed().slice(1) })).toBe(false)
          expect(verifyRange({ ...claim, proof: [...proof, tree.root] })).toBe(false)
          expect(verifyRange({ ...claim, proof: proof.slice(1) })).toBe(proof.length === 0)
        }
      }
    }
  })

  test('any choice of leaves is proven without a needless hash, and no other leaf is', async () => {
    await fc.assert(
      fc.asyncProperty(
        place,
        fc.array(fc.nat(299), { maxLength: 20 }),
        fc.nat(255),
        async ([one, size], more, bit) => {
          const tree = new MemoryTree(leaves(size))
          const indexes = [...new Set([one, ...more.filter((index) => index < size)])].sort((a, b) => a - b)
          const proof = await multiInclusionProof(indexes, size, tree.source)
          const claim = { indexes, size, leafHashes: indexes.map(leaf), proof, root: tree.root }
          expect(verifyMultiInclusion(claim)).toBe(true)
          const single = await Promise.all(indexes.map((index) => inclusionProof(index, size, tree.source)))
          expect(proof.length).toBeLessThanOrEqual(new Set(single.flat().map(hex)).size)
          const wrong = claim.leafHashes.map((hash, at) =>
            at === bit % indexes.length ? flipped(hash, bit) : hash,
          )
          expect(verifyMultiInclusion({ ...claim, leafHashes: wrong })).toBe(false)
          expect(verifyMultiInclusion({ ...claim, proof: proof.map((hash) => flipped(hash, bit)) })).toBe(
            proof.length === 0,
          )
          expect(verifyMultiInclusion({ ...claim, proof: [...proof, tree.root] })).toBe(false)
          expect(verifyMultiInclusion({ ...claim, indexes: indexes.map((index) => index + 1) })).toBe(false)
          const twice = { indexes: [one, one], leafHashes: [leaf(one), leaf(one)] }
          expect(verifyMultiInclusion({ ...claim, ...twice })).toBe(false)
        },
      ),
      { numRuns: 80 },
    )
  })
})
