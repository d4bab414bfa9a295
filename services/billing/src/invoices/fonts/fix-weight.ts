import type { Font, Glyph } from 'fontkit'
import { writeSfnt } from './write-sfnt.ts'

/** What a font without axes and without hints has. */
const kept = new Set(['GDEF', 'GPOS', 'GSUB', 'OS/2', 'cmap', 'head', 'hhea', 'maxp', 'name', 'post'])

/**
 * A variable font, given by its tables and as it was read from them, at one weight, as a TrueType file without axes, which is what PDF can hold. Glyphs that were made of
 * others have outlines of their own.
 */
export function fixWeight(tables: ReadonlyMap<string, Uint8Array>, font: Font, weight: number): Uint8Array {
  const varied = font.getVariation({ wght: weight })
  const count = varied.numGlyphs
  const loca = Buffer.alloc(4 * (count + 1))
  const metrics: number[] = []
  const glyphs: Buffer[] = []
  let end = 0
  for (let id = 0; id < count; id++) {
    const glyph = varied.getGlyph(id)
    const { bytes, left } = encode(glyph)
    glyphs.push(bytes)
    end += bytes.length
    loca.writeUInt32BE(end, 4 * (id + 1))
    metrics.push(Math.round(glyph.advanceWidth), left)
  }
  const fixed = new Map([...tables].filter(([tag]) => kept.has(tag)))
  const hhea = Buffer.from(tables.get('hhea') ?? [])
  hhea.writeUInt16BE(count, 34)
  return writeSfnt(
    fixed.set('glyf', Buffer.concat(glyphs)).set('loca', loca).set('hmtx', words(metrics)).set('hhea', hhea),
  )
}

interface Point {
  x: number
  y: number
  onCurve: boolean
}

/** A glyph of contours alone, padded to whole words, and how far left it reaches. */
function encode(glyph: Glyph): { bytes: Buffer; left: number } {
  const contours = contoursOf(glyph)
  const points = contours.flat()
  if (points.length === 0) return { bytes: Buffer.alloc(0), left: 0 }
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)]
  let last = -1
  const ends = contours.map(({ length }) => (last += length))
  const left = Math.min(...xs)
  const bytes = Buffer.concat([
    words([contours.length, left, Math.min(...ys), Math.max(...xs), Math.max(...ys), ...ends, 0]),
    Buffer.from(points.map(({ onCurve }) => (onCurve ? 1 : 0))),
    words([...steps(xs), ...steps(ys)]),
  ])
  return { bytes: Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]), left }
}

function contoursOf({ path }: Glyph): Point[][] {
  const contours: Point[][] = []
  for (const { command, args } of path.commands) {
    if (command === 'closePath') continue
    if (command === 'moveTo') contours.push([])
    for (let at = 0; at < args.length; at += 2) {
      const [x, y] = [Math.round(args[at] ?? 0), Math.round(args[at + 1] ?? 0)]
      contours.at(-1)?.push({ x, y, onCurve: at === args.length - 2 })
    }
  }
  return contours.map(opened).filter(({ length }) => length > 0)
}

/** Without the last point if it is the first again. */
function opened(contour: Point[]): Point[] {
  const [first, last] = [contour[0], contour.at(-1)]
  const closed = contour.length > 1 && last?.onCurve === true && last.x === first?.x && last.y === first.y
  return closed ? contour.slice(0, -1) : contour
}

const steps = (values: readonly number[]) => values.map((value, place) => value - (values[place - 1] ?? 0))

/** Numbers of 16 bits, with a sign or without. */
function words(values: readonly number[]): Buffer {
  return Buffer.from(new Int16Array(values).buffer).swap16()
}
