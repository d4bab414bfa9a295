import { isHash, nodeHash } from './hash.ts'
import { splitPoint, subtreeNodes, type Node } from './shape.ts'

/**
 * Proofs of many leaves at once. The tree is walked from the root down, left to right: a subtree with none of the chosen
 * leaves is one hash of the proof, a chosen leaf comes from the claim, and all else is hashed from below. So a proof has
 * exactly the hashes that the verifier cannot make, in one fixed order.
 */

/** True when at least one chosen leaf lies in `[start, end)`. */
export type Chooses = (start: number, end: number) => boolean

/** The full subtrees behind each hash of the proof, in its order. The tree must have a leaf, and a chosen one. */
export function coverNodes(size: number, chooses: Chooses): Node[][] {
  const groups: Node[][] = []
  const walk = (start: number, end: number): void => {
    if (!chooses(start, end)) {
      groups.push(subtreeNodes(start, end))
    } else if (end - start > 1) {
      const split = start + splitPoint(end - start)
      walk(start, split)
      walk(split, end)
    }
  }
  walk(0, size)
  return groups
}

/** The root that chosen leaves and proof lead to, or undefined unless both are used up exactly. */
export function rootFromCover(
  size: number,
  chooses: Chooses,
  leafHashes: readonly Uint8Array[],
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  const leaves = leafHashes.values()
  const hashes = proof.values()
  const walk = (start: number, end: number): Uint8Array | undefined => {
    if (!chooses(start, end)) return hashes.next().value
    if (end - start === 1) return leaves.next().value
    const split = start + splitPoint(end - start)
    const left = walk(start, split)
    // A proof that ran dry ends the walk here, so a short one costs no more than its length.
    const right = left && walk(split, end)
    return left && right && nodeHash(left, right)
  }
  const root = walk(0, size)
  return leaves.next().done && hashes.next().done ? root : undefined
}

/** True for an array of 32-byte hashes; what a caller hands in as a list may be anything. */
export function areHashes(values: readonly Uint8Array[]): boolean {
  return Array.isArray(values) && values.every(isHash)
}
