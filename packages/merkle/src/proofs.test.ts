import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { MerkleTree } from 'merkletreejs'
import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  consistencyNodes,
  consistencyProof,
  emptyRoot,
  inclusionNodes,
  inclusionProof,
  leafHash,
  multiInclusionProof,
  nodeHash,
  rangeProof,
  rootFromInclusion,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
  verifyMultiInclusion,
  verifyRange,
} from './index.ts'

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

describe('an attacker chooses the arguments', () => {
  const odd: unknown[] = [
    NaN,
    -1,
    0.5,
    Infinity,
    -Infinity,
    2 ** 53,
    2 ** 60,
    '1',
    null,
    undefined,
    {},
    [],
    1n,
  ]
  const notHashes: unknown[] = [
    new Uint8Array(31),
    new Uint8Array(33),
    new Uint8Array(0),
    'a'.repeat(32),
    null,
    undefined,
  ]
  const notProofs: unknown[] = [
    null,
    undefined,
    'x',
    {},
    7,
    [null],
    [new Uint8Array(31)],
    ['x'],
    Array(60).fill(emptyRoot()),
  ]
  const setting = async () => {
    const tree = new MemoryTree(leaves(7))
    const inclusion = {
      index: 2,
      size: 7,
      leafHash: leaf(2),
      proof: await inclusionProof(2, 7, tree.source),
      root: tree.root,
    }
    const range = {
      start: 2,
      size: 7,
      leafHashes: [leaf(2)],
      proof: await rangeProof(2, 3, 7, tree.source),
      root: tree.root,
    }
    const multi = { indexes: [2], size: 7, leafHashes: [leaf(2)], proof: range.proof, root: tree.root }
    const fromRoot = await treeRoot(3, tree.source)
    const proof = await consistencyProof(3, 7, tree.source)
    return { inclusion, range, multi, consistency: { from: 3, to: 7, fromRoot, toRoot: tree.root, proof } }
  }
  const spoilt = <T extends object>(claim: T, fields: (keyof T)[], values: unknown[]): T[] =>
    fields.flatMap((field) => values.map((value) => ({ ...claim, [field]: value })))

  test('verification answers false, and never throws', async () => {
    const { inclusion, range, multi, consistency } = await setting()
    expect([verifyInclusion(inclusion), verifyRange(range), verifyMultiInclusion(multi)]).toEqual([
      true,
      true,
      true,
    ])
    expect(verifyConsistency(consistency)).toBe(true)
    const accepted = [
      ...[
        ...spoilt(inclusion, ['index', 'size'], odd),
        ...spoilt(inclusion, ['leafHash', 'root'], notHashes),
        ...spoilt(inclusion, ['proof'], notProofs),
      ].map(verifyInclusion),
      ...[
        ...spoilt(range, ['start', 'size'], odd),
        ...spoilt(range, ['root'], notHashes),
        ...spoilt(range, ['proof', 'leafHashes'], notProofs),
      ].map(verifyRange),
      ...[
        ...spoilt(multi, ['size', 'indexes'], odd),
        ...spoilt(multi, ['root'], notHashes),
        ...spoilt(multi, ['proof', 'leafHashes'], notProofs),
      ].map(verifyMultiInclusion),
      ...spoilt(
        multi,
        ['indexes'],
        odd.map((value) => [value]),
      ).map(verifyMultiInclusion),
      ...[
        ...spoilt(consistency, ['from', 'to'], odd),
        ...spoilt(consistency, ['fromRoot', 'toRoot'], notHashes),
        ...spoilt(consistency, ['proof'], notProofs),
      ].map(verifyConsistency),
    ]
    expect(accepted.length).toBeGreaterThan(200)
    expect(accepted).not.toContain(true)
    expect(rootFromInclusion({ ...inclusion, size: NaN })).toBeUndefined()
  })

  test('growth from the empty tree proves nothing', () => {
    const root = new MemoryTree(leaves(1)).root
    expect(verifyConsistency({ from: 0, to: 1, fromRoot: emptyRoot(), toRoot: root, proof: [] })).toBe(false)
    expect(verifyConsistency({ from: 0, to: 0, fromRoot: emptyRoot(), toRoot: emptyRoot(), proof: [] })).toBe(
      true,
    )
  })

  test('builders refuse what no tree has', async () => {
    const { source } = new MemoryTree(leaves(7))
    await expect(inclusionProof(7, 7, source)).rejects.toMatchObject({ code: 'bad_index' })
    await expect(inclusionProof(0, 0.5, source)).rejects.toMatchObject({ code: 'bad_size' })
    await expect(consistencyProof(8, 7, source)).rejects.toMatchObject({ code: 'bad_size' })
    await expect(treeRoot(-1, source)).rejects.toMatchObject({ code: 'bad_size' })
    await expect(rangeProof(3, 3, 7, source)).rejects.toMatchObject({ code: 'bad_index' })
    await expect(rangeProof(3, 8, 7, source)).rejects.toMatchObject({ code: 'bad_index' })
    await expect(multiInclusionProof([2, 2], 7, source)).rejects.toMatchObject({ code: 'bad_index' })
    await expect(multiInclusionProof([], 7, source)).rejects.toMatchObject({ code: 'bad_index' })
    await expect(inclusionProof(0, 9, source)).rejects.toMatchObject({ code: 'bad_index' })
  })
})
