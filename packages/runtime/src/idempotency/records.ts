import { gunzipSync, gzipSync } from 'node:zlib'
import { Fault } from '@tallystick/protocol'
import { collection } from '@tallystick/storage'
import { z } from 'zod'

/**
 * What became of each idempotency key: `running` under a lock, then `done` with the first answer. The id follows from
 * mode, tenant, account and key.
 */
export const idempotency = collection('idempotency', {
  schema: z.strictObject({
    id: z.string(),
    /** SHA-256 of the operation and its input: a key is good for one request. */
    digest: z.string(),
    state: z.enum(['running', 'done']),
    /** The process that runs it; see processOwner. */
    owner: z.string(),
    /** From here on another process may take a running key over. */
    lockedUntil: z.date(),
    expiresAt: z.date(),
    status: z.int().optional(),
    contentType: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.custom<Uint8Array>((value) => value instanceof Uint8Array).optional(),
    gzip: z.boolean().optional(),
  }),
  partition: 'id',
  expires: 'expiresAt',
})

/** A stored record of `idempotency`. */
export type IdempotencyRecord = z.infer<typeof idempotency.schema>

/** An answer as it went to the first caller. */
export interface KeptAnswer {
  status: number
  contentType?: string | undefined
  headers?: Record<string, string> | undefined
  /** Absent for an answer without content. */
  body?: string | Uint8Array | undefined
}

const compressFrom = 16 * 1024
// A document has at most 1 MiB; the rest of the record is small.
const maxStoredBytes = 1000 * 1024

/** The part of a record that holds `answer`. Throws Fault `payload_too_large` for one that no document can hold. */
export function packAnswer({ status, contentType, headers, body }: KeptAnswer): Partial<IdempotencyRecord> {
  const plain = typeof body === 'string' ? Buffer.from(body) : body
  const gzip = plain !== undefined && plain.byteLength > compressFrom
  const stored = gzip ? gzipSync(plain, { level: 3 }) : plain
  if (stored && stored.byteLength > maxStoredBytes) {
    throw new Fault('payload_too_large', {
      detail: 'The answer would be too large to keep for a repetition; send less in one request',
    })
  }
  return {
    status,
    ...(contentType !== undefined && { contentType }),
    ...(headers && { headers }),
    ...(stored && { body: stored, gzip }),
  }
}

/** The answer that a `done` record holds, byte for byte. */
export function unpackAnswer({ status, contentType, headers, body, gzip }: IdempotencyRecord): KeptAnswer {
  return { status: status ?? 200, contentType, headers, body: body && gzip ? gunzipSync(body) : body }
}
