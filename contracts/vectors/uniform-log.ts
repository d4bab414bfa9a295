import { type HashSource, leafHash, nodeHash } from '@tallystick/merkle'

/** The leaf that a uniform log repeats: the leaf hash of 32 bytes of 0x5a. */
export const uniformLeaf = leafHash(new Uint8Array(32).fill(0x5a))

/**
 * A log whose leaves are all alike, so that roots and proofs of a billion leaves cost a few hashes. Proofs have the
 * same length, bytes without zeros and path as those of any other log of that size.
 */
export function uniformLog(): HashSource {
  const levels = [uniformLeaf]
  return (level) => {
    for (let next = levels.length; next <= level; next++) {
      const child = levels[next - 1] ?? uniformLeaf
      levels.push(nodeHash(child, child))
    }
    return levels[level] ?? uniformLeaf
  }
}

/**
 * The smaller size whose consistency proof with a tree of `size` leaves costs most gas. A left sibling costs two hashes,
 * a right one a single hash: so the dearest path leaves that of the last leaf at some bit and from there on turns right
 * at each level but the lowest, where a right turn would be part of the full subtree that the proof starts from.
 */
export function dearestPredecessor(size: number): number {
  const last = BigInt(size - 1)
  let dearest = { from: 1, cost: 0 }
  for (let bit = 1n; bit <= last; bit <<= 1n) {
    if ((last & bit) === 0n) continue
    const above = last - (last % (2n * bit))
    const from = Number(above + (bit > 1n ? bit - 2n : 0n)) + 1
    const cost = consistencyCost(from, size)
    if (cost > dearest.cost) dearest = { from, cost }
  }
  return dearest.from
}

/** Gas by and large: 512 for the calldata of a hash, 300 for each node hashed. */
function consistencyCost(from: number, size: number): number {
  let node = BigInt(from - 1)
  let last = BigInt(size - 1)
  while (node & 1n) [node, last] = [node >> 1n, last >> 1n]
  let cost = node === 0n ? 0 : 512
  for (; last > 0n; [node, last] = [node >> 1n, last >> 1n]) {
    if (node & 1n) cost += 512 + 600
    else if (node < last) cost += 512 + 300
  }
  return cost
}
