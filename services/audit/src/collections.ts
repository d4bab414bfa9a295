import { collection } from '@tallystick/storage'
import { z } from 'zod'

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array)
const changes = { changeOf: { exists: true } } as const

/** Receipts. Written once, in the same commit as their place in the queue; only `body` and `salt` may be erased. */
export const receipts = collection('receipts', {
  schema: z.object({
    /** Follows from tenant and event id, so the same event is the same receipt for ever. */
    id: z.string(),
    tenant: z.string(),
    event: z.string(),
    kind: z.string(),
    actor: z.string(),
    licenses: z.array(z.string()),
    items: z.array(z.string()),
    at: z.date(),
    mergeBy: z.date(),
    jws: z.string(),
    /** RFC 8785 bytes of the event, and the 32 bytes of salt that its digest in the receipt was taken with. */
    body: bytes.optional(),
    salt: bytes.optional(),
    /** The subject of an administrative change; absent in all other receipts. */
    changeOf: z.string().optional(),
  }),
  partition: 'id',
  indexes: {
    byTenant: ['tenant', 'at'],
    byLicense: ['tenant', 'licenses[]', 'at'],
    byItem: ['tenant', 'items[]', 'at'],
    byActor: ['tenant', 'actor', 'at'],
    byKind: ['tenant', 'kind', 'at'],
    byChange: { keys: ['tenant', 'at'], where: changes },
    byChangeSubject: { keys: ['tenant', 'changeOf', 'at'], where: changes },
    byChangeActor: { keys: ['tenant', 'actor', 'at'], where: changes },
    byChangeKind: { keys: ['tenant', 'kind', 'at'], where: changes },
  },
})

/** Entries that wait for their place in the log: one document for each ingestion call. */
export const queue = collection('queue', {
  schema: z.object({
    id: z.string(),
    log: z.string(),
    at: z.date(),
    mergeBy: z.date(),
    /** n × 32 bytes, and the n ids of their receipts in the same order. */
    entries: bytes,
    receipts: z.array(z.string()),
  }),
  partition: 'id',
  indexes: { byTime: ['log', 'at'] },
})

/** The truth of the log's order: `entries` (n × 32 bytes) stand at the indexes from `first` on. The id is `first`. */
export const batches = collection('batches', {
  schema: z.object({ id: z.string(), log: z.string(), first: z.int(), size: z.int(), entries: bytes }),
  partition: 'id',
  indexes: { byFirst: ['log', 'first'] },
})

/** Where an entry (the id, in hex) stands, and which receipt it is of. Its unique id keeps an entry from standing twice. */
export const positions = collection('positions', {
  schema: z.object({ id: z.string(), index: z.int(), receipt: z.string() }),
  partition: 'id',
})

/** The tiles of the log by path without width, such as `tile/0/001`; the last of each level grows until it is full. */
export const tiles = collection('tiles', {
  schema: z.object({ id: z.string(), width: z.int(), bytes }),
  partition: 'id',
})

/** Signed heads. The id is the size, so no size ever gets two roots. */
export const checkpoints = collection('checkpoints', {
  schema: z.object({
    id: z.string(),
    log: z.string(),
    size: z.int(),
    root: bytes,
    note: z.string(),
    at: z.date(),
  }),
  partition: 'id',
  indexes: { bySize: ['log', 'size'] },
})

/** Every public key that ever signed receipts; a key never leaves. */
export const signingKeys = collection('signing_keys', {
  schema: z.object({ id: z.string(), log: z.string(), jwk: z.string(), createdAt: z.date() }),
  partition: 'id',
  indexes: { byTime: ['log', 'createdAt'] },
})

/** A size or an index as an id that sorts by value. */
export function sizeId(size: number): string {
  return String(size).padStart(16, '0')
}
