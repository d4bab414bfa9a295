import { describe, expect, test } from 'vitest'
import {
  MemoryTree,
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  multiInclusionProof,
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
