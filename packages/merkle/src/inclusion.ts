import { isHash, nodeHash, sameHash } from './hash.ts'
import { fetchHashes, type HashSource } from './hash-source.ts'
import { checkIndex, half, isOdd, isSize, subtreeNodes, type Node } from './shape.ts'

/** What an inclusion proof claims: `leafHash` stands at `index` in the tree of `size` leaves. */
export interface InclusionClaim {
  readonly index: number
  readonly size: number
  readonly leafHash: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** The proof that leaf `index` is in the tree of `size` leaves: the siblings from the leaf up (RFC 6962 section 2.1.1). */
export async function inclusionProof(index: number, size: number, source: HashSource): Promise<Uint8Array[]> {
  return fetchHashes(inclusionNodes(index, size), source)
}

/**
 * The full subtrees behind each hash of an inclusion proof, the leaf's sibling first. Where a sibling is the ragged right
 * edge of the tree it is several subtrees, to be folded from the right.
 */
export function inclusionNodes(index: number, size: number): Node[][] {
  checkIndex(index, size)
  return siblingNodes({ level: 0, index }, size)
}

/** True when the proof shows that the leaf is at that index under `root`. Every argument may be the attacker's. */
export function verifyInclusion(claim: InclusionClaim & { readonly root: Uint8Array }): boolean {
  const root = rootFromInclusion(claim)
  return root !== undefined && isHash(claim.root) && sameHash(root, claim.root)
}

/** The root that the proof leads to (RFC 9162 section 2.1.3.2), or undefined when no tree of that size could have such a proof. */
export function rootFromInclusion({ index, size, leafHash, proof }: InclusionClaim): Uint8Array | undefined {
  if (!isSize(size) || !isSize(index) || index >= size) return undefined
  if (!isHash(leafHash) || !Array.isArray(proof) || !proof.every(isHash)) return undefined
  let node = index
  let last = size - 1
  let hash = leafHash
  for (const sibling of proof as readonly Uint8Array[]) {
    // At the top already: what is left over would let one leaf have many proofs.
    if (last === 0) return undefined
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash)
      // On the right edge the levels without a sibling have no hash in the proof.
      for (; !isOdd(node) && node !== 0; node = half(node)) last = half(last)
    } else {
      hash = nodeHash(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 ? hash : undefined
}

/** The siblings on the way from a full subtree to the root of the tree of `size` leaves, lowest first. */
export function siblingNodes(from: Node, size: number): Node[][] {
  const siblings: Node[][] = []
  let { level, index } = from
  let span = 2 ** level
  let last = Math.floor((size - 1) / span)
  for (; last > 0; level++, span *= 2, index = half(index), last = half(last)) {
    if (isOdd(index)) siblings.push([{ level, index: index - 1 }])
    else if (index + 1 < last) siblings.push([{ level, index: index + 1 }])
    else if (index + 1 === last) siblings.push(subtreeNodes(last * span, size))
  }
  return siblings
}
