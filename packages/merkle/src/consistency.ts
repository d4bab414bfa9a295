import { emptyRoot, isHash, nodeHash, sameHash } from './hash.ts'
import { fetchHashes, type HashSource } from './hash-source.ts'
import { siblingNodes } from './inclusion.ts'
import { MerkleError } from './merkle-error.ts'
import { checkSize, half, isOdd, isSize, trailingZeros, type Node } from './shape.ts'

/** What a consistency proof claims: the tree of `from` leaves is the beginning of the tree of `to` leaves. */
export interface ConsistencyClaim {
  readonly from: number
  readonly to: number
  readonly fromRoot: Uint8Array
  readonly toRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** The proof that the tree of `to` leaves only added to the one of `from` (RFC 6962 section 2.1.2); empty when equal or from 0. */
export async function consistencyProof(from: number, to: number, source: HashSource): Promise<Uint8Array[]> {
  return fetchHashes(consistencyNodes(from, to), source)
}

/** The full subtrees behind each hash of a consistency proof, as `inclusionNodes` gives them. */
export function consistencyNodes(from: number, to: number): Node[][] {
  checkSize(from)
  checkSize(to)
  if (from > to) throw new MerkleError('bad_size', `a tree of ${to} cannot grow out of one of ${from}`)
  if (from === 0 || from === to) return []
  // The largest full subtree that ends where the old tree ends; the verifier knows it already when it is the old tree.
  const level = trailingZeros(from)
  const node = { level, index: from / 2 ** level - 1 }
  const siblings = siblingNodes(node, to)
  return node.index === 0 ? siblings : [[node], ...siblings]
}

/**
 * True when the proof leads to both roots (RFC 9162 section 2.1.4.2). Every argument may be the attacker's. The empty tree
 * is only consistent with itself here: growth from nothing proves nothing, so a caller who means it must say so.
 */
export function verifyConsistency({ from, to, fromRoot, toRoot, proof }: ConsistencyClaim): boolean {
  if (!isSize(from) || !isSize(to) || from > to || !Array.isArray(proof) || !proof.every(isHash)) return false
  if (from === to && proof.length === 0) return sameRoots(from, fromRoot, toRoot)
  if (from === to || from === 0 || proof.length === 0 || !isHash(fromRoot) || !isHash(toRoot)) return false
  const roots = rootsFromConsistency(from, to, fromRoot, proof)
  return roots !== undefined && sameHash(roots.from, fromRoot) && sameHash(roots.to, toRoot)
}

/** One size has one root, whatever it is (the published vectors take other bytes too); that of the empty tree is known. */
function sameRoots(size: number, fromRoot: Uint8Array, toRoot: Uint8Array): boolean {
  if (!(fromRoot instanceof Uint8Array) || !(toRoot instanceof Uint8Array) || !sameHash(fromRoot, toRoot))
    return false
  return size > 0 || sameHash(fromRoot, emptyRoot())
}

function rootsFromConsistency(from: number, to: number, fromRoot: Uint8Array, proof: readonly Uint8Array[]) {
  const level = trailingZeros(from)
  let node = from / 2 ** level - 1
  let last = Math.floor((to - 1) / 2 ** level)
  // An old tree of a power of two is itself the subtree where the proof starts.
  const [start, ...path] = node === 0 ? [fromRoot, ...proof] : proof
  if (!start) return undefined
  let oldHash = start
  let newHash = start
  for (const sibling of path) {
    if (last === 0) return undefined
    if (isOdd(node) || node === last) {
      oldHash = nodeHash(sibling, oldHash)
      newHash = nodeHash(sibling, newHash)
      for (; !isOdd(node) && node !== 0; node = half(node)) last = half(last)
    } else {
      newHash = nodeHash(newHash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 ? { from: oldHash, to: newHash } : undefined
}
