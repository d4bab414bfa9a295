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

/** For each group of full subtrees the hash of their union, all asked for at once. */
export async function fetchHashes(groups: readonly Node[][], source: HashSource): Promise<Uint8Array[]> {
  const asked = groups.map((group) => unionHash(group, source))
  // Hashes from memory need no turn of the event loop.
  return areAtHand(asked) ? (asked as Uint8Array[]) : allOf(asked)
}

/** The hash over full subtrees that lie side by side, largest first, as `inclusionNodes` gives them: at once if `source` answers so. */
export function unionHash(group: readonly Node[], source: HashSource): Uint8Array | Promise<Uint8Array> {
  const first = group[0]
  if (first !== undefined && group.length === 1) return source(first.level, first.index)
  const hashes = group.map(({ level, index }) => source(level, index))
  return areAtHand(hashes) ? foldRight(hashes as Uint8Array[]) : allOf(hashes).then(foldRight)
}

function areAtHand(hashes: (Uint8Array | Promise<Uint8Array>)[]): boolean {
  return hashes.every((hash) => hash instanceof Uint8Array)
}

async function allOf(hashes: (Uint8Array | Promise<Uint8Array>)[]): Promise<Uint8Array[]> {
  return Promise.all(hashes.map(async (hash) => hash))
}

/** The hash over subtrees that lie side by side, largest first; at least one. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right))
}
