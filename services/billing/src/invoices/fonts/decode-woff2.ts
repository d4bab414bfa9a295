import { brotliDecompressSync } from 'node:zlib'
import { rebuildGlyphs } from './rebuild-glyphs.ts'

/** Tags that an entry names by number (WOFF 2.0, section 4.1). */
const knownTags =
  'cmap head hhea hmtx maxp name OS/2 post cvt fpgm glyf loca prep CFF VORG EBDT EBLC gasp hdmx kern LTSH PCLT VDMX vhea vmtx BASE GDEF GPOS GSUB EBSC JSTF MATH CBDT CBLC COLR CPAL SVG sbix acnt avar bdat bloc bsln cvar fdsc feat fmtx fvar gvar hsty just lcar mort morx opbd prop trak Zapf Silf Glat Gloc Feat Sill'
    .split(' ')
    .map((tag) => tag.padEnd(4))

/**
 * The tables of the TrueType font that a file in WOFF 2.0 holds. Throws for what our fonts do not have: collections,
 * other outlines, metrics that are transformed.
 */
export function decodeWoff2(woff2: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(woff2.buffer, woff2.byteOffset, woff2.byteLength)
  if (view.getUint32(0) !== 0x77_4f_46_32 || view.getUint32(4) !== 0x00_01_00_00)
    throw new Error('this is no TrueType font in WOFF 2.0')
  const { entries, end } = readDirectory(view)
  const data = brotliDecompressSync(woff2.subarray(end, end + view.getUint32(20)))
  const tables = new Map<string, Uint8Array>()
  let at = 0
  for (const { tag, length } of entries) {
    tables.set(tag, data.subarray(at, at + length))
    at += length
  }
  const { glyf, loca } = rebuildGlyphs(tables.get('glyf') ?? new Uint8Array())
  // Offsets into the outlines are long now, whatever they were.
  const head = Buffer.from(tables.get('head') ?? [])
  head.writeInt16BE(1, 50)
  return tables.set('glyf', glyf).set('loca', loca).set('head', head)
}

/** The tables in their order, each with the length that its data has when they are unpacked. */
function readDirectory(view: DataView): { entries: { tag: string; length: number }[]; end: number } {
  let end = 48
  const readBase128 = () => {
    for (let value = 0; ;) {
      const byte = view.getUint8(end++)
      value = value * 128 + (byte & 0x7f)
      if (byte < 0x80) return value
    }
  }
  const entries = Array.from({ length: view.getUint16(12) }, () => {
    const flags = view.getUint8(end++)
    let tag = knownTags[flags]
    if (tag === undefined) {
      if (flags !== 0x3f) throw new Error('a table is transformed in a way that is not known')
      tag = String.fromCharCode(...[0, 1, 2, 3].map((place) => view.getUint8(end + place)))
      end += 4
    }
    const length = readBase128()
    return { tag, length: tag === 'glyf' || tag === 'loca' ? readBase128() : length }
  })
  return { entries, end }
}
