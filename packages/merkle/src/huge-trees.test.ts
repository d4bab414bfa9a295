import { describe, expect, test } from 'vitest'
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  multiInclusionProof,
  nodeHash,
  rangeProof,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
  verifyMultiInclusion,
  verifyRange,
} from './index.ts'

const leaf = (index: number) => leafHash(Buffer.from(`leaf ${index}`))
const big = Number.MAX_SAFE_INTEGER

describe('sizes up to 2^53 - 1', () => {
  /** A tree whose leaves are all the same has one hash per level, so trees of any size fit. */
  const uniform = [leaf(0)]
  while (uniform.length < 54) uniform.push(nodeHash(uniform.at(-1)!, uniform.at(-1)!))
  const source = (level: number) => uniform[level]!
  const sizes = [
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 40 + 12_345,
    2 ** 52,
    2 ** 52 + 1,
    big - 1,
    big,
  ]

  test.each(sizes)('leaves at both ends and in the middle of %i are proven', async (size) => {
    const root = await treeRoot(size, source)
    for (const index of [0, 1, Math.floor(size / 2), 2 ** 31 - 1, size - 2, size - 1]) {
      const proof = await inclusionProof(index, size, source)
      const claim = { index, size, leafHash: leaf(0), proof, root }
      expect(verifyInclusion(claim)).toBe(true)
      expect(verifyInclusion({ ...claim, leafHash: leaf(1) })).toBe(false)
      expect(verifyInclusion({ ...claim, index: index + size })).toBe(false)
    }
    const indexes = [0, 5, 2 ** 31 - 3, size - 1]
    const proof = await multiInclusionProof(indexes, size, source)
    const claim = { indexes, size, leafHashes: indexes.map(() => leaf(0)), proof, root }
    expect(verifyMultiInclusion(claim)).toBe(true)
    expect(verifyMultiInclusion({ ...claim, leafHashes: indexes.map(() => leaf(1)) })).toBe(false)
    const start = size - 3
    const range = { start, size, leafHashes: [leaf(0), leaf(0), leaf(0)], root }
    const rangeHashes = await rangeProof(start, size, size, source)
    expect(verifyRange({ ...range, proof: rangeHashes })).toBe(true)
    expect(verifyRange({ ...range, start: start + 1, proof: rangeHashes })).toBe(false)
  })

  test.each(sizes)('growth to %i is proven', async (to) => {
    const toRoot = await treeRoot(to, source)
    for (const from of [1, 2 ** 20 + 7, 2 ** 31 - 1, Math.floor(to / 2), to - 1]) {
      const proof = await consistencyProof(from, to, source)
      const claim = { from, to, fromRoot: await treeRoot(from, source), toRoot, proof }
      expect(verifyConsistency(claim)).toBe(true)
      expect(verifyConsistency({ ...claim, toRoot: claim.fromRoot })).toBe(false)
    }
  })
})
