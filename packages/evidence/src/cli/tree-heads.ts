import { emptyRoot, nodeHash } from '@tallystick/merkle'
import type { HashSource } from '@tallystick/merkle'

/**
 * The roots at two sizes, `from` ≤ `to`, computed from one and the same set of tree nodes. When `toRoot` is the root that
 * the log signed, the nodes are the log's own, and a `fromRoot` that differs from what it signed before is proof of a
 * fork: it cannot be put down to a bad tile. (An RFC 6962 consistency proof that fails leaves that open.)
 */
export async function rootsOfOneTree(
  from: number,
  to: number,
  source: HashSource,
): Promise<{ fromRoot: Uint8Array; toRoot: Uint8Array }> {
  const kept = new Map<string, Promise<Uint8Array>>()
  const node = (level: number, index: number): Promise<Uint8Array> => {
    const key = `${level}/${index}`
    const known = kept.get(key) ?? Promise.resolve(source(level, index))
    kept.set(key, known)
    return known
  }
  const rangeHash = async (start: number, end: number): Promise<Uint8Array> => {
    const size = end - start
    const half = largestPowerBelow(size)
    const full = size === 1 || size === 2 * half
    const straddles = start < from && from < end
    if (full && !straddles) return node(Math.round(Math.log2(size)), start / size)
    return nodeHash(await rangeHash(start, start + half), await rangeHash(start + half, end))
  }
  const toRoot = to === 0 ? emptyRoot() : await rangeHash(0, to)
  const fromRoot = from === 0 ? emptyRoot() : await rangeHash(0, from)
  return { fromRoot, toRoot }
}

/** The largest power of two that is less than `size`; 1 for a size of 1. */
function largestPowerBelow(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}
