import { emptyRoot, nodeHash } from './hash.ts'
import { checkSize, subtreeNodes, type Node } from './shape.ts'

/** Gives the hash of a full subtree: `level` 0 holds the leaf hashes. It may answer at once or later. */
export type HashSource = (level: number, index: number) => Uint8Array | Promise<Uint8Array>

/** The root of the tree of `size` leaves (RFC 6962 section 2.1) from the hashes of its full subtrees. */
export async function treeRoot(size: number, source: HashSource): Promise<Uint8Array> {
  checkSize(size)
  if (size === 0) return emptyRoot()
  const [root] = await fetchHashes([subtreeNodes(0, size)], source)
  return root ?? emptyRoot()
}

/** For each group of full subtrees the hash of their union: all are asked for at once, then each group is folded from the right. */
export async function fetchHashes(groups: readonly Node[][], source: HashSource): Promise<Uint8Array[]> {
  const asked = groups.map((group) => group.map(({ level, index }) => source(level, index)))
  // Hashes from memory need no turn of the event loop.
  const waits = asked.some((group) => group.some((hash) => hash instanceof Promise))
  const hashes = waits
    ? await Promise.all(asked.map((group) => Promise.all(group.map(async (hash) => hash))))
    : (asked as Uint8Array[][])
  return hashes.map(foldRight)
}

/** The hash over subtrees that lie side by side, largest first; at least one. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right))
}
