import { contentHash } from '@tallystick/protocol'
import { z } from 'zod'

/** A CAIP-2 name of an EVM chain. */
export const chainName = z.string().regex(/^eip155:[1-9][0-9]{0,15}$/, 'must be a chain such as "eip155:1"')

/** A contract's address in lower case. */
export const address = z.string().regex(/^0x[0-9a-f]{40}$/, 'must be 0x and 40 lower-case hex digits')

/** 32 bytes of an EVM chain: the hash of a block or a transaction. */
export const hash32 = z.string().regex(/^0x[0-9a-f]{64}$/, 'must be 0x and 64 lower-case hex digits')

/** A tree size, an index or a block number as a decimal string, at most 2^53 - 1. */
export const count = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,15})$/, 'must be a decimal string without leading zeros')
  .refine((text) => Number.isSafeInteger(Number(text)), 'must be at most 2^53 - 1')

/** A node of a Merkle tree in standard base64, as in tlog-proofs. */
export const base64Hash = z
  .string()
  .refine((text) => decodeBase64Hash(text) !== undefined, 'must be 32 bytes in standard base64')

/** At most `maxBytes` bytes as `0x…`. */
export function hexBytes(maxBytes: number) {
  return z
    .string()
    .max(2 + 2 * maxBytes)
    .regex(/^0x(?:[0-9a-f]{2})+$/, 'must be 0x and whole bytes in lower-case hex')
}

/** The 32 bytes of canonical base64, or undefined: another spelling of the same bytes is refused. */
export function decodeBase64Hash(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 32 && bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

/** The bytes of a content hash (`sha256:…`). */
export function decodeContentHash(text: z.infer<typeof contentHash>): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice('sha256:'.length), 'hex'))
}
