import { hash } from 'node:crypto'

/** The log entry of a receipt: the 32-byte SHA-256 of its compact ASCII. Nothing else of it enters the log. */
export function receiptEntry(jws: string): Uint8Array {
  return hash('sha256', jws, 'buffer')
}
