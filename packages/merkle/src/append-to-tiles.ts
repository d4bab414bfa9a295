import { HASH_BYTES, isHash, sameHash } from './hash.ts'
import { treeRoot } from './hash-source.ts'
import { MerkleError } from './merkle-error.ts'
import { checkSize } from './shape.ts'
import { TILE_WIDTH, type TileId } from './tile-path.ts'
import { hashOfTile, tileSource, type ReadTile } from './tiles.ts'

/** A tile with its hashes: `width` times 32 bytes. */
export interface Tile extends TileId {
  readonly bytes: Uint8Array
}

/** A tree by its size and root. */
export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

/**
 * Adds leaves to a tree that is kept as tiles: gives its new head and exactly the tiles of `tilesFor`, to be written
 * together. Only the partial tiles on the right edge are read. Throws `bad_tile` when those do not have the root of `head`:
 * a log that went on from them would sign a second history.
 */
export async function appendToTiles(
  head: TreeHead,
  leafHashes: readonly Uint8Array[],
  readTile: ReadTile,
): Promise<TreeHead & { readonly tiles: Tile[] }> {
  checkSize(head.size + leafHashes.length)
  if (!leafHashes.every(isHash)) throw new MerkleError('bad_hash', 'a leaf hash has 32 bytes')
  const before = tileSource(readTile, head.size)
  if (!sameHash(await treeRoot(head.size, before), head.root)) {
    throw new MerkleError('bad_tile', `the tiles do not have the root of the tree of ${head.size}`)
  }
  const size = head.size + leafHashes.length
  const tiles: Tile[] = []
  let added = leafHashes
  for (let level = 0; added.length > 0; level++) {
    const parents: Uint8Array[] = []
    for (const tile of await widen(level, Math.floor(head.size / TILE_WIDTH ** level), added, readTile)) {
      tiles.push(tile)
      if (tile.width === TILE_WIDTH) parents.push(hashOfTile(tile.bytes, 0, TILE_WIDTH))
    }
    added = parents
  }
  const written = new Map(tiles.map((tile) => [`${tile.level}/${tile.index}`, tile.bytes]))
  const after = tileSource(
    (level, index, width) => written.get(`${level}/${index}`) ?? readTile(level, index, width),
    size,
  )
  return { size, root: await treeRoot(size, after), tiles }
}

/** The tiles of one level that `added` hashes behind the first `count` make or widen. */
async function widen(
  level: number,
  count: number,
  added: readonly Uint8Array[],
  readTile: ReadTile,
): Promise<Tile[]> {
  const kept = count % TILE_WIDTH
  const first = (count - kept) / TILE_WIDTH
  const old = kept === 0 ? new Uint8Array(0) : await readTile(level, first, kept)
  const hashes = new Uint8Array((kept + added.length) * HASH_BYTES)
  hashes.set(old.subarray(0, kept * HASH_BYTES))
  added.forEach((hash, place) => hashes.set(hash, (kept + place) * HASH_BYTES))
  return tilesOf(level, first, hashes)
}

function tilesOf(level: number, first: number, hashes: Uint8Array): Tile[] {
  const tiles: Tile[] = []
  const tileBytes = TILE_WIDTH * HASH_BYTES
  for (let at = 0; at < hashes.length; at += tileBytes) {
    const bytes = hashes.slice(at, at + tileBytes)
    tiles.push({ level, index: first + at / tileBytes, width: bytes.length / HASH_BYTES, bytes })
  }
  return tiles
}
