import { HASH_BYTES, nodeHash, TILE_HEIGHT, TILE_WIDTH } from '@tallystick/merkle'
import type { HashSource } from '@tallystick/merkle'

interface KeptTile {
  /** How many of the tile's own hashes are here; a full subtree never changes, so a wider tile only adds to them. */
  width: number
  /** The tile's hashes, then the row above them, and so on up to two hashes: 510 in all. */
  nodes: Uint8Array
  known: Uint8Array
}

const nodesPerTile = 2 * TILE_WIDTH - 2

/**
 * The hashes of the full subtrees of a log that only grows, out of its tiles, of any size at which they are full. The
 * latest `limit` tiles are kept with the inner nodes that were asked for (16 KiB each), or each proof would hash whole
 * tiles anew. `readTile` gives the stored tile, which must have at least `width` hashes.
 */
export function keptNodes(
  readTile: (level: number, index: number, width: number) => Promise<Uint8Array>,
  limit: number,
): HashSource {
  const kept = new Map<number, KeptTile>()

  async function readKept(level: number, index: number, width: number): Promise<KeptTile> {
    const bytes = await readTile(level, index, width)
    const key = tileKey(level, index)
    const tile = kept.get(key) ?? emptyTile()
    if (bytes.length > tile.width * HASH_BYTES) widen(tile, bytes)
    kept.set(key, tile)
    const [oldest] = kept.keys()
    if (kept.size > limit && oldest !== undefined) kept.delete(oldest)
    return tile
  }

  return (level, index) => {
    const row = level % TILE_HEIGHT
    const span = 2 ** row
    const perTile = TILE_WIDTH / span
    const place = index % perTile
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const tileIndex = Math.floor(index / perTile)
    const width = (place + 1) * span
    // At once where it can be: a proof has twenty hashes, and as many promises cost more than the hashes do.
    const tile = kept.get(tileKey(tileLevel, tileIndex))
    if (tile && tile.width >= width) return nodeOf(tile, row, place)
    return readKept(tileLevel, tileIndex, width).then((read) => nodeOf(read, row, place))
  }
}

// A log of 2^53 entries has seven levels of tiles, and fewer than 2^46 tiles in a level.
function tileKey(level: number, index: number): number {
  return index * 8 + level
}

function emptyTile(): KeptTile {
  return { width: 0, nodes: new Uint8Array(nodesPerTile * HASH_BYTES), known: new Uint8Array(nodesPerTile) }
}

function widen(tile: KeptTile, bytes: Uint8Array): void {
  tile.nodes.set(bytes)
  tile.width = bytes.length / HASH_BYTES
  tile.known.fill(1, 0, tile.width)
}

function nodeOf(tile: KeptTile, row: number, place: number): Uint8Array {
  const slot = 2 * TILE_WIDTH - 2 ** (TILE_HEIGHT + 1 - row) + place
  if (tile.known[slot] === 1) return tile.nodes.slice(slot * HASH_BYTES, (slot + 1) * HASH_BYTES)
  if (row === 0) throw new Error('the tile has no such hash')
  const node = nodeHash(nodeOf(tile, row - 1, 2 * place), nodeOf(tile, row - 1, 2 * place + 1))
  tile.nodes.set(node, slot * HASH_BYTES)
  tile.known[slot] = 1
  return node
}
