import {
  appendLeaf,
  entriesPath,
  frontierFrom,
  leafHash,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
} from '@tallystick/merkle'
import type { Frontier } from '@tallystick/merkle'
import { insert, remove, replace } from '@tallystick/storage'
import type { Store, Write } from '@tallystick/storage'
import { batches, positions, queue, sizeId, tiles } from './collections.ts'
import { frontierHashes, logSize, splitEntries } from './log-reader.ts'

// A commit takes 4,096 writes: an insert for each entry, a remove for each call, and the tiles on the right edge.
const maxWrites = 3500
const maxCalls = 1000

/** The right edge of the log in memory: what the next batch is appended to. */
interface Edge {
  frontier: Frontier
  /** Partial tiles by path without width, as they are stored. */
  open: Map<string, { width: number; bytes: Uint8Array; version: number | undefined }>
}

/**
 * A sequencer for one tenure of the lease: gives the next indexes to entries that wait, batch by batch. Each call is one
 * commit of the batch, the positions, the tiles and the emptied queue, with `fence` in it; it resolves to how many
 * entries it placed. After an error the state in memory is in doubt: begin anew.
 */
export async function beginSequencing(
  { store, origin }: { store: Store; origin: string },
  fence: () => Write,
): Promise<() => Promise<number>> {
  const edge = await loadEdge(store, origin)
  return async () => {
    const calls = await waitingCalls(store, origin)
    if (calls.length === 0) return 0
    const first = edge.frontier.size
    const entries = calls.flatMap((call) => splitEntries(call.entries))
    const receiptIds = calls.flatMap((call) => call.receipts)
    const changed = append(edge, entries)
    const bytes = Buffer.concat(entries)
    await store.commit([
      fence(),
      insert(batches, { id: sizeId(first), log: origin, first, size: entries.length, entries: bytes }),
      ...entries.map((entry, place) =>
        insert(positions, { id: hex(entry), index: first + place, receipt: receiptIds[place] ?? '' }),
      ),
      ...changed.map((id) => tileWrite(edge, id)),
      ...calls.map((call) => remove(queue, call.id, call.version)),
    ])
    settle(edge, changed)
    return entries.length
  }
}

async function waitingCalls(store: Store, origin: string) {
  const { items } = await store.find(queue.byTime, { equals: [origin], limit: maxCalls })
  let writes = 0
  const count = items.findIndex((call) => (writes += call.receipts.length + 1) > maxWrites)
  return count === -1 ? items : items.slice(0, Math.max(1, count))
}

async function loadEdge(store: Store, origin: string): Promise<Edge> {
  const size = await logSize(store, origin)
  const open: Edge['open'] = new Map()
  const paths = size % TILE_WIDTH === 0 ? [] : [entriesPath(Math.floor(size / TILE_WIDTH))]
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    if (count % TILE_WIDTH !== 0) paths.push(tilePath(level, Math.floor(count / TILE_WIDTH)))
  }
  for (const [place, tile] of (await store.getMany(tiles, paths)).entries()) {
    const id = paths[place] ?? ''
    if (!tile) throw new Error(`the log has ${size} entries but its tile ${id} is missing`)
    open.set(id, { width: tile.width, bytes: tile.bytes, version: tile.version })
  }
  return { frontier: frontierFrom(size, await frontierHashes(store, size)), open }
}

/** Appends the entries to frontier and tiles in memory; gives the ids of the tiles that changed. */
function append(edge: Edge, entries: readonly Uint8Array[]): string[] {
  const added = new Map<string, Uint8Array[]>()
  const push = (id: string, piece: Uint8Array) => {
    const pieces = added.get(id)
    if (pieces) pieces.push(piece)
    else added.set(id, [piece])
  }
  for (const entry of entries) {
    push(entriesPath(Math.floor(edge.frontier.size / TILE_WIDTH)), framed(entry))
    appendLeaf(edge.frontier, leafHash(entry), (level, index, hash) => {
      if (level % TILE_HEIGHT === 0) push(tilePath(level / TILE_HEIGHT, Math.floor(index / TILE_WIDTH)), hash)
    })
  }
  for (const [id, pieces] of added) {
    const tile = edge.open.get(id) ?? { width: 0, bytes: new Uint8Array(), version: undefined }
    const bytes = Buffer.concat([tile.bytes, ...pieces])
    edge.open.set(id, { ...tile, width: tile.width + pieces.length, bytes })
  }
  return [...added.keys()]
}

function tileWrite(edge: Edge, id: string): Write {
  const tile = edge.open.get(id)
  if (!tile) throw new Error(`tile ${id} is not open`)
  const document = { id, width: tile.width, bytes: tile.bytes }
  return tile.version === undefined ? insert(tiles, document) : replace(tiles, document, tile.version)
}

function settle(edge: Edge, changed: readonly string[]): void {
  for (const id of changed) {
    const tile = edge.open.get(id)
    if (!tile) continue
    if (tile.width === TILE_WIDTH) edge.open.delete(id)
    else tile.version = (tile.version ?? 0) + 1
  }
}

/** An entry behind its length, as entry bundles hold it (C2SP tlog-tiles). */
function framed(entry: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(entry.byteLength >> 8, entry.byteLength & 255), entry])
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
