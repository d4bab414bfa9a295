import { MerkleError } from './merkle-error.ts'

/**
 * Arithmetic on the shape of a tree. Sizes and indexes go up to 2^53 − 1, so there is no 32-bit operator here: halving is
 * division, and powers of two are exact doubles.
 */

/** A full subtree: `level` 0 is a leaf, and it spans the leaves `[index · 2^level, (index + 1) · 2^level)`. */
export interface Node {
  readonly level: number
  readonly index: number
}

/** True for a whole number from 0 to 2^53 − 1; NaN, fractions, negatives and other types are refused. */
export function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** `value / 2`, rounded down. */
export function half(value: number): number {
  return Math.floor(value / 2)
}

/** True when `value` is odd. */
export function isOdd(value: number): boolean {
  return value % 2 === 1
}

/** How many times 2 divides `value`, which must be above 0. */
export function trailingZeros(value: number): number {
  let zeros = 0
  for (let rest = value; rest % 2 === 0; rest /= 2) zeros++
  return zeros
}

/** How many bits of `value` are 1: the number of full subtrees in a tree of that size. */
export function bitCount(value: number): number {
  let count = 0
  for (let rest = value; rest > 0; rest = half(rest)) if (isOdd(rest)) count++
  return count
}

/** The largest power of two below `size` (above 1): where RFC 6962 section 2.1 splits a tree. */
export function splitPoint(size: number): number {
  let split = 1
  while (split < size / 2) split *= 2
  return split
}

/**
 * The full subtrees whose hashes, folded from the right, give the hash over leaves `[start, end)`; largest first. `start`
 * must be a multiple of the largest power of two that fits, as every subtree of an RFC 6962 tree is.
 */
export function subtreeNodes(start: number, end: number): Node[] {
  const nodes: Node[] = []
  let span = 1
  let level = 0
  while (span <= (end - start) / 2) {
    span *= 2
    level++
  }
  for (let at = start; at < end; span /= 2, level--) {
    if (end - at < span) continue
    nodes.push({ level, index: at / span })
    at += span
  }
  return nodes
}

/** Throws `bad_size` unless `size` is a tree size. */
export function checkSize(size: number): void {
  if (!isSize(size))
    throw new MerkleError('bad_size', `a tree size is a whole number below 2^53, not ${size}`)
}

/** Throws `bad_size` or `bad_index` unless `index` is a leaf of a tree of `size`. */
export function checkIndex(index: number, size: number): void {
  checkSize(size)
  if (!isSize(index) || index >= size)
    throw new MerkleError('bad_index', `the tree of ${size} has no leaf ${index}`)
}
