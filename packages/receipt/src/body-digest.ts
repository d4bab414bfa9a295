import { createHash } from 'node:crypto'
import { formatContentHash } from '@tallystick/protocol'
import { canonicalize } from './canonicalize.ts'

/**
 * The `body` of a receipt: SHA-256 over 32 random salt bytes ‖ the RFC 8785 bytes of the full event. Without the salt
 * nobody can guess a small event from its digest, so erasing event and salt erases the data. Throws RangeError for
 * another salt length and NotCanonicalizable for an event that JSON cannot carry.
 */
export function bodyDigest(salt: Uint8Array, event: unknown): string {
  if (salt.byteLength !== 32) throw new RangeError('the salt must have 32 bytes')
  return formatContentHash(createHash('sha256').update(salt).update(canonicalize(event)).digest())
}
