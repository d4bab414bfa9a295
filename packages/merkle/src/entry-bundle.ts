import { MerkleError } from './merkle-error.ts'
import { TILE_WIDTH } from './tile-path.ts'

const maxEntryBytes = 65_535

/** 1 to 256 entries of at most 65,535 bytes, each behind its length as a big-endian uint16 (C2SP tlog-tiles, Log entries). */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0 || entries.length > TILE_WIDTH) {
    throw new MerkleError('bad_bundle', 'a bundle has 1 to 256 entries')
  }
  if (entries.some((entry) => entry.length > maxEntryBytes)) {
    throw new MerkleError('bad_bundle', 'an entry has at most 65,535 bytes')
  }
  const bundle = new Uint8Array(entries.reduce((bytes, entry) => bytes + 2 + entry.length, 0))
  const view = new DataView(bundle.buffer)
  let at = 0
  for (const entry of entries) {
    view.setUint16(at, entry.length)
    bundle.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bundle
}

/** The entries of a bundle, copied. Throws `bad_bundle` when a length runs over the end, or there are none or more than 256. */
export function decodeEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength)
  const entries: Uint8Array[] = []
  for (let at = 0; at < bundle.length;) {
    const end = at + 2 <= bundle.length ? at + 2 + view.getUint16(at) : Infinity
    if (end > bundle.length) throw new MerkleError('bad_bundle', 'an entry runs over the end of its bundle')
    entries.push(bundle.slice(at + 2, end))
    at = end
  }
  if (entries.length === 0 || entries.length > TILE_WIDTH) {
    throw new MerkleError('bad_bundle', 'a bundle has 1 to 256 entries')
  }
  return entries
}
