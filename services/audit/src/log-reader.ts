import {
  formatTlogProofHead,
  consistencyProof,
  inclusionNodes,
  tilePath,
  tileSource,
  treeRoot,
  unionHash,
} from '@tallystick/merkle'
import type { HashSource, Node } from '@tallystick/merkle'
import type { Store, Stored } from '@tallystick/storage'
import type { z } from 'zod'
import { batches, checkpoints, positions, tiles } from './collections.ts'
import { keptNodes } from './kept-nodes.ts'

/** A published head. */
export type PublishedCheckpoint = Omit<Stored<z.infer<typeof checkpoints.schema>>, 'version'>

/** Reads of the log that many requests share: the tiles' hashes are kept in memory, they never change. */
export interface LogReader {
  latestCheckpoint(): Promise<PublishedCheckpoint | undefined>
  indexOf(entryHex: string): Promise<number | undefined>
  /** The proof of the entry at `index` among `size` in tlog-proof form, up to where the checkpoint follows. */
  tlogProofHead(index: number, size: number, extra?: Uint8Array): Promise<string>
  inclusionProof(index: number, size: number): Promise<Uint8Array[]>
  consistencyProof(from: number, to: number): Promise<Uint8Array[]>
}

const keptTiles = 4096
const entryBytes = 32

/** How many entries have their place. */
export async function logSize(store: Store, origin: string): Promise<number> {
  const { items } = await store.find(batches.byFirst, { equals: [origin], order: 'desc', limit: 1 })
  const [last] = items
  return last ? last.first + last.size : 0
}

/** The roots of the full subtrees of a log of `size`, largest first. */
export async function frontierHashes(store: Store, size: number): Promise<Uint8Array[]> {
  const source = storedSource(store, size)
  const hashes: Uint8Array[] = []
  let start = 0
  for (let level = Math.floor(Math.log2(Math.max(size, 1))) + 1; level >= 0; level--) {
    const span = 2 ** level
    if (Math.floor(size / span) % 2 === 0) continue
    hashes.push(await source(level, start / span))
    start += span
  }
  return hashes
}

/** The root of the first `size` entries, derived anew from the stored tiles. */
export function rootFromTiles(store: Store, size: number): Promise<Uint8Array> {
  return Promise.resolve(treeRoot(size, storedSource(store, size)))
}

/** A consistency proof between two sizes, derived from the stored tiles. */
export function consistencyFromTiles(store: Store, from: number, to: number): Promise<Uint8Array[]> {
  return consistencyProof(from, to, storedSource(store, to))
}

/** A log reader over `store`. `freshMs` bounds how long a copy may go on telling an older checkpoint. */
export function logReader(
  store: Store,
  origin: string,
  { freshMs = 100 }: { freshMs?: number } = {},
): LogReader {
  const source = keptNodes((level, index, width) => storedTile(store, level, index, width), keptTiles)
  const proofOf = inclusionProofs(source)
  let latest: Promise<PublishedCheckpoint | undefined> | undefined
  let readAt = -Infinity

  return {
    latestCheckpoint() {
      const now = performance.now()
      if (!latest || now - readAt > freshMs) {
        readAt = now
        latest = latestCheckpoint(store, origin)
        latest.catch(() => (latest = undefined))
      }
      return latest
    },
    async indexOf(entryHex) {
      return (await store.get(positions, entryHex))?.index
    },
    async tlogProofHead(index, size, extra) {
      const proof = await proofOf(index, size)
      return formatTlogProofHead({ index, proof, ...(extra && { extra }) })
    },
    inclusionProof: proofOf,
    consistencyProof: (from, to) => consistencyProof(from, to, source),
  }
}

/**
 * Inclusion proofs, with the ragged right edge of the last asked size remembered: all proofs of a size end in the same few
 * hashes, which otherwise are folded anew for each.
 */
function inclusionProofs(source: HashSource): (index: number, size: number) => Promise<Uint8Array[]> {
  let edgeSize = 0
  let edge = new Map<number, Uint8Array>()

  function edgeHash(nodes: readonly Node[], size: number): Uint8Array | Promise<Uint8Array> {
    if (size !== edgeSize) {
      edgeSize = size
      edge = new Map()
    }
    const hashes = edge
    // Of all subtrees of one size that reach the right edge, the first node tells which it is.
    const level = nodes[0]?.level ?? 0
    const known = hashes.get(level)
    if (known) return known
    const hash = unionHash(nodes, source)
    if (hash instanceof Uint8Array) hashes.set(level, hash)
    return hash
  }

  return async (index, size) => {
    const hashes = inclusionNodes(index, size).map((nodes) =>
      nodes.length === 1 ? unionHash(nodes, source) : edgeHash(nodes, size),
    )
    return hashes.every((hash) => hash instanceof Uint8Array)
      ? hashes
      : Promise.all(hashes.map(async (hash) => hash))
  }
}

/** The newest checkpoint as it is stored. */
export async function latestCheckpoint(
  store: Store,
  origin: string,
): Promise<PublishedCheckpoint | undefined> {
  const { items } = await store.find(checkpoints.bySize, { equals: [origin], order: 'desc', limit: 1 })
  return items[0]
}

/** The entries of a batch or of a waiting call, which are stored as n × 32 bytes. */
export function splitEntries(entries: Uint8Array): Uint8Array[] {
  return Array.from({ length: entries.byteLength / entryBytes }, (_, place) =>
    entries.subarray(place * entryBytes, (place + 1) * entryBytes),
  )
}

function storedSource(store: Store, size: number): HashSource {
  return tileSource((level, index, width) => storedTile(store, level, index, width), size)
}

async function storedTile(store: Store, level: number, index: number, width: number): Promise<Uint8Array> {
  const id = tilePath(level, index)
  const tile = await store.get(tiles, id)
  if (!tile || tile.width < width) throw new Error(`the log's tile ${id} is missing`)
  return tile.bytes
}
