import { emptyRoot, isHash, nodeHash } from './hash.ts'
import { foldRight } from './hash-source.ts'
import { MerkleError } from './merkle-error.ts'
import { bitCount, checkSize, half, isOdd } from './shape.ts'

/** All that is needed to append to a tree and to know its root: the roots of its full subtrees, largest first (at most 53). */
export interface Frontier {
  size: number
  readonly hashes: Uint8Array[]
}

/** Told of each full subtree as it comes into being: the leaf first, then its ancestors. */
export type NodeVisitor = (level: number, index: number, hash: Uint8Array) => void

/** The frontier of the tree without leaves. */
export function emptyFrontier(): Frontier {
  return { size: 0, hashes: [] }
}

/** A frontier from stored parts. Throws `bad_size` or `bad_hash` when the hashes cannot be those of a tree of that size. */
export function frontierFrom(size: number, hashes: readonly Uint8Array[]): Frontier {
  checkSize(size)
  if (hashes.length !== bitCount(size) || !hashes.every(isHash)) {
    throw new MerkleError(
      'bad_hash',
      `a tree of ${size} has ${bitCount(size)} full subtrees with hashes of 32 bytes`,
    )
  }
  return { size, hashes: [...hashes] }
}

/** Appends one leaf in place, amortized two hashes; `visit` hears of each subtree that it completes. */
export function appendLeaf(frontier: Frontier, leaf: Uint8Array, visit?: NodeVisitor): void {
  if (!isHash(leaf)) throw new MerkleError('bad_hash', 'a leaf hash has 32 bytes')
  checkSize(frontier.size + 1)
  let hash = leaf
  let level = 0
  let index = frontier.size
  visit?.(level, index, hash)
  // Each 1 at the end of the size is a full subtree that the new one completes into its parent.
  for (; isOdd(index); index = half(index), level++, visit?.(level, index, hash)) {
    const left = frontier.hashes.pop()
    if (!left) throw new MerkleError('bad_size', 'the frontier has fewer hashes than its size asks for')
    hash = nodeHash(left, hash)
  }
  frontier.hashes.push(hash)
  frontier.size++
}

/** The root of the tree so far. */
export function frontierRoot(frontier: Frontier): Uint8Array {
  return frontier.size === 0 ? emptyRoot() : foldRight(frontier.hashes).slice()
}
