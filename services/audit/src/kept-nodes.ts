import { HASH_BYTES, nodeHash, TILE_HEIGHT, TILE_WIDTH } from '@tallystick/merkle'

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
): (level: number, index: number) => Promise<Uint8Array> {
  const kept = new Map<string, KeptTile>()

  async function tileWith(level: number, index: number, width: number): Promise<KeptTile> {
    const key = `${level}/${index}`
    const before = kept.get(key)
    if (before && before.width >= width) return before
    const bytes = await readTile(level, index, width)
    const tile = kept.get(key) ?? emptyTile()
    if (bytes.length > tile.width * HASH_BYTES) widen(tile, bytes)
    kept.set(key, tile)
    const [oldest] = kept.keys()
    if (kept.size > limit && oldest !== undefined) kept.delete(oldest)
    return tile
  }

  return async (level, index) => {
    const row = level % TILE_HEIGHT
    const span = 2 ** row
    const perTile = TILE_WIDTH / span
    const place = index % perTile
    const tile = await tileWith(
      Math.floor(level / TILE_HEIGHT),
      Math.floor(index / perTile),
      (place + 1) * span,
    )
    return nodeOf(tile, row, place)
  }
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
