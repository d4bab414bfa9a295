import { HASH_BYTES } from './hash.ts'
import { foldRight, type HashSource } from './hash-source.ts'
import { MerkleError } from './merkle-error.ts'
import { checkSize } from './shape.ts'
import { TILE_HEIGHT, TILE_WIDTH, type TileId } from './tile-path.ts'

/** Reads a tile of at least `width` hashes; a fuller tile at the same place will do, as C2SP tlog-tiles allows. */
export type ReadTile = (level: number, index: number, width: number) => Uint8Array | Promise<Uint8Array>

const keptTiles = 256

/**
 * The hashes of a tree of `size` leaves out of its tiles, each read once (the latest 256 are kept). Tiles are not trusted
 * and need not be: a proof made from wrong ones does not verify. Throws `bad_tile` when one is too short.
 */
export function tileSource(readTile: ReadTile, size: number): HashSource {
  checkSize(size)
  const kept = new Map<string, Promise<Uint8Array>>()
  const read = (level: number, index: number): Promise<Uint8Array> => {
    const key = `${level}/${index}`
    const known = kept.get(key)
    if (known) return known
    const tile = readChecked(readTile, { level, index, width: tileWidth(level, index, size) })
    kept.set(key, tile)
    // A read that failed may go well the next time.
    tile.catch(() => kept.delete(key))
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size > keptTiles) kept.delete(oldest)
    return tile
  }
  return async (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const span = 2 ** (level % TILE_HEIGHT)
    const first = index * span
    const tile = await read(tileLevel, Math.floor(first / TILE_WIDTH))
    return hashOfTile(tile, first % TILE_WIDTH, span)
  }
}

/** The tiles that growth from `oldSize` to `newSize` adds or widens, lowest level first; its level 0 is also the list of entry bundles. */
export function tilesFor(oldSize: number, newSize: number): TileId[] {
  checkSize(oldSize)
  checkSize(newSize)
  const tiles: TileId[] = []
  for (let level = 0, span = 1; Math.floor(newSize / span) > 0; level++, span *= TILE_WIDTH) {
    const before = Math.floor(oldSize / span)
    const after = Math.floor(newSize / span)
    if (before === after) continue
    for (let index = Math.floor(before / TILE_WIDTH); index < after / TILE_WIDTH; index++) {
      tiles.push({ level, index, width: Math.min(TILE_WIDTH, after - index * TILE_WIDTH) })
    }
  }
  return tiles
}

/** How wide the tile is in a tree of `size` leaves: 1 to 256. Throws `bad_tile` when the tree has no such tile. */
export function tileWidth(level: number, index: number, size: number): number {
  const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH)
  if (!(width > 0)) throw new MerkleError('bad_tile', `a tree of ${size} has no tile ${level}/${index}`)
  return width
}

/** The hash over `count` (a power of two) hashes of a tile, from the one at `first` on. */
export function hashOfTile(tile: Uint8Array, first: number, count: number): Uint8Array {
  if (count === 1) {
    const hash = tile.slice(first * HASH_BYTES, (first + 1) * HASH_BYTES)
    if (hash.length !== HASH_BYTES) throw new MerkleError('bad_tile', 'the tree has no such full subtree')
    return hash
  }
  const half = count / 2
  return foldRight([hashOfTile(tile, first, half), hashOfTile(tile, first + half, half)])
}

async function readChecked(readTile: ReadTile, { level, index, width }: TileId): Promise<Uint8Array> {
  const tile = await readTile(level, index, width)
  const tooLong = tile.length > TILE_WIDTH * HASH_BYTES || tile.length % HASH_BYTES !== 0
  if (tile.length < width * HASH_BYTES || tooLong) {
    throw new MerkleError(
      'bad_tile',
      `tile ${level}/${index} has ${tile.length} bytes in place of ${width * HASH_BYTES}`,
    )
  }
  return tile.subarray(0, width * HASH_BYTES)
}
