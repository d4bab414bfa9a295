import { hash } from 'node:crypto'
import { MerkleError } from './merkle-error.ts'

/** Bytes in every hash of the tree. */
export const HASH_BYTES = 32

/**
 * The hash of a leaf: SHA-256(0x00 ‖ entry), RFC 6962 section 2.1. The prefix keeps an attacker from passing an inner
 * node off as an entry (a second preimage).
 */
export function leafHash(entry: Uint8Array): Uint8Array {
  const input = entry.length === HASH_BYTES ? leafInput : new Uint8Array(1 + entry.length)
  input.set(entry, 1)
  return sha256(input)
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1. Throws `bad_hash` unless both have 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  // A shorter hash would leave bytes of the node before it in the shared input.
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    throw new MerkleError('bad_hash', 'a node is made of two hashes of 32 bytes')
  }
  nodeInput.set(left, 1)
  nodeInput.set(right, 1 + HASH_BYTES)
  return sha256(nodeInput)
}

/** The root of the tree without leaves: SHA-256 of nothing. A new copy each time, so that nobody can change it for others. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0))
}

/** True only for 32 bytes: what a caller hands in as a hash may be anything. */
export function isHash(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_BYTES
}

/** True when two hashes are equal. Hashes of the log are public, so the comparison need not take constant time. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, place) => byte === b[place])
}

const leafInput = new Uint8Array(1 + HASH_BYTES)
const nodeInput = new Uint8Array(1 + HASH_BYTES + HASH_BYTES).fill(1, 0, 1)
const output = Buffer.alloc(HASH_BYTES)
const outputBytes = new Uint8Array(output.buffer, output.byteOffset, HASH_BYTES)

/** One-shot SHA-256. Node gives a one-byte string three times as fast as a buffer, so the digest crosses over as that. */
function sha256(input: Uint8Array): Uint8Array {
  output.write(hash('sha256', input, 'binary'), 'binary')
  return new Uint8Array(outputBytes)
}
