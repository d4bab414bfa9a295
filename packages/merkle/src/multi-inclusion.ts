import { areHashes, coverNodes, rootFromCover, type Chooses } from './cover.ts'
import { isHash, sameHash } from './hash.ts'
import { fetchHashes, type HashSource } from './hash-source.ts'
import { MerkleError } from './merkle-error.ts'
import { checkIndex, isSize } from './shape.ts'

/** What a proof of many leaves claims: `leafHashes[i]` stands at `indexes[i]`, which only ever grow, in the tree of `size` leaves. */
export interface MultiInclusionClaim {
  readonly indexes: readonly number[]
  readonly size: number
  readonly leafHashes: readonly Uint8Array[]
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** One proof for many leaves, without the hashes that single proofs would repeat. Throws `bad_index` unless the indexes grow. */
export async function multiInclusionProof(
  indexes: readonly number[],
  size: number,
  source: HashSource,
): Promise<Uint8Array[]> {
  for (const index of indexes) checkIndex(index, size)
  if (!areGrowing(indexes))
    throw new MerkleError('bad_index', 'the indexes of leaves must grow, and be at least one')
  return fetchHashes(coverNodes(size, choosesIndexes(indexes)), source)
}

/** True when each leaf stands at its index under `root`. Every argument may be the attacker's. */
export function verifyMultiInclusion({
  indexes,
  size,
  leafHashes,
  proof,
  root,
}: MultiInclusionClaim): boolean {
  if (!isSize(size) || !areHashes(leafHashes) || !areHashes(proof) || !isHash(root)) return false
  // An index twice, or out of order, would let one leaf stand for two.
  if (!Array.isArray(indexes) || indexes.length !== leafHashes.length || !areGrowing(indexes)) return false
  if (!indexes.every((index: number) => isSize(index) && index < size)) return false
  const found = rootFromCover(size, choosesIndexes(indexes), leafHashes, proof)
  return found !== undefined && sameHash(found, root)
}

function areGrowing(indexes: readonly number[]): boolean {
  return (
    indexes.length > 0 &&
    indexes.every((index, place) => place === 0 || index > (indexes[place - 1] ?? index))
  )
}

/** The first index at or after `start` decides; it is found by halving. */
function choosesIndexes(indexes: readonly number[]): Chooses {
  return (start, end) => {
    let low = 0
    let high = indexes.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((indexes[middle] ?? start) < start) low = middle + 1
      else high = middle
    }
    const found = indexes[low]
    return found !== undefined && found < end
  }
}
