import { MerkleError } from './merkle-error.ts'
import { isSize } from './shape.ts'

/** Levels of the tree that one tile spans. */
export const TILE_HEIGHT = 8

/** Hashes (or entries) in a full tile. */
export const TILE_WIDTH = 256

const maxLevel = 63

/** One tile: at `level` and `index`, with the first `width` of its 256 hashes; a width below 256 is a partial tile. */
export interface TileId {
  readonly level: number
  readonly index: number
  readonly width: number
}

/** The path of a tile under the log's prefix, such as `tile/0/x001/234.p/5` (C2SP tlog-tiles, Merkle Tree). */
export function tilePath(level: number, index: number, width: number = TILE_WIDTH): string {
  if (!isSize(level) || level > maxLevel) throw new MerkleError('bad_tile_path', `no tile level ${level}`)
  return `tile/${level}/${indexPath(index, width)}`
}

/** The path of an entry bundle under the log's prefix, such as `tile/entries/000.p/7` (C2SP tlog-tiles, Log entries). */
export function entriesPath(index: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${indexPath(index, width)}`
}

/**
 * The tile or entry bundle that a path names. Throws `bad_tile_path` for any spelling but the canonical one, so that one
 * tile has one address in caches.
 */
export function parseTilePath(path: string): { level: number | 'entries'; index: number; width: number } {
  const parts = pathPattern.exec(path)?.groups
  const index = Number(parts?.index?.replaceAll(/[x/]/g, ''))
  const width = parts?.width === undefined ? TILE_WIDTH : Number(parts.width)
  if (!parts || !isSize(index)) throw new MerkleError('bad_tile_path', 'not the path of a tile')
  const level = parts.level === 'entries' ? 'entries' : Number(parts.level)
  const canonical = level === 'entries' ? entriesPath(index, width) : tilePath(level, index, width)
  if (canonical !== path || parts.width === '256')
    throw new MerkleError('bad_tile_path', 'not the path of a tile')
  return { level, index, width }
}

const pathPattern =
  /^tile\/(?<level>\d{1,2}|entries)\/(?<index>(?:x\d{3}\/){0,5}\d{3})(?:\.p\/(?<width>\d{1,3}))?$/

function indexPath(index: number, width: number): string {
  if (!isSize(index)) throw new MerkleError('bad_tile_path', `no tile index ${index}`)
  if (!isSize(width) || width < 1 || width > TILE_WIDTH)
    throw new MerkleError('bad_tile_path', `no tile width ${width}`)
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const path = groups.map((group, place) => (place < groups.length - 1 ? `x${group}` : group)).join('/')
  return width === TILE_WIDTH ? path : `${path}.p/${width}`
}
