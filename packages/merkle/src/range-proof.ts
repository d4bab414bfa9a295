import { areHashes, coverNodes, rootFromCover, type Chooses } from './cover.ts'
import { isHash, sameHash } from './hash.ts'
import { fetchHashes, type HashSource } from './hash-source.ts'
import { checkIndex, isSize } from './shape.ts'

/** What a range proof claims: `leafHashes` are all leaves from `start` on, without a gap, in the tree of `size` leaves. */
export interface RangeClaim {
  readonly start: number
  readonly size: number
  readonly leafHashes: readonly Uint8Array[]
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** The proof for the leaves `[start, end)`, at least one: at most two hashes per level of the tree, however long the range. */
export async function rangeProof(
  start: number,
  end: number,
  size: number,
  source: HashSource,
): Promise<Uint8Array[]> {
  checkIndex(end - 1, size)
  checkIndex(start, end)
  return fetchHashes(coverNodes(size, choosesRange(start, end)), source)
}

/** True when these leaves, all of them and in this order, stand at `start` under `root`. Every argument may be the attacker's. */
export function verifyRange({ start, size, leafHashes, proof, root }: RangeClaim): boolean {
  if (!isSize(size) || !isSize(start) || !areHashes(leafHashes) || !areHashes(proof) || !isHash(root))
    return false
  if (leafHashes.length === 0 || leafHashes.length > size - start) return false
  const found = rootFromCover(size, choosesRange(start, start + leafHashes.length), leafHashes, proof)
  return found !== undefined && sameHash(found, root)
}

function choosesRange(start: number, end: number): Chooses {
  return (from, to) => from < end && start < to
}
