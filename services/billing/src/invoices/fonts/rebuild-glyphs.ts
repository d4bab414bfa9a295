/** A part of the transformed table, read from front to back. */
type Stream = ReturnType<typeof streamOf>

function streamOf(bytes: Buffer) {
  let at = 0
  const take = (length: number) => bytes.subarray(at, (at += length))
  const u8 = () => bytes.readUInt8(at++)
  const u16 = () => take(2).readUInt16BE()
  return {
    take,
    u8,
    u16,
    i16: () => take(2).readInt16BE(),
    u32: () => take(4).readUInt32BE(),
    /** 255UInt16 (WOFF 2.0, section 6.1.1). */
    short() {
      const code = u8()
      if (code === 253) return u16()
      if (code === 255) return u8() + 253
      return code === 254 ? u8() + 506 : code
    },
  }
}

/**
 * Outlines as TrueType has them, with long offsets, out of the transformed `glyf` table of WOFF 2.0 (section 5.1).
 */
export function rebuildGlyphs(transformed: Uint8Array): { glyf: Uint8Array; loca: Uint8Array } {
  const table = streamOf(Buffer.from(transformed.buffer, transformed.byteOffset, transformed.byteLength))
  table.u16()
  const options = table.u16()
  const count = table.u16()
  table.u16()
  const sizes = Array.from({ length: 7 }, () => table.u32())
  const next = () => streamOf(table.take(sizes.shift() ?? 0))
  const parts = { contours: next(), points: next(), flags: next(), glyphs: next(), composites: next() }
  const boxes = next()
  const hasBox = bitsOf(boxes.take(4 * Math.ceil(count / 32)))
  const instructions = next()
  const overlaps = bitsOf(options & 1 ? table.take(Math.ceil(count / 8)) : Buffer.alloc(0))
  const loca = Buffer.alloc(4 * (count + 1))
  const glyphs: Buffer[] = []
  let end = 0
  for (let glyph = 0; glyph < count; glyph++) {
    const contours = parts.contours.i16()
    const box = hasBox(glyph) ? boxes.take(8) : undefined
    const given = { ...parts, instructions, box }
    if (contours > 0) glyphs.push(simpleGlyph(given, contours, overlaps(glyph)))
    else if (contours < 0) glyphs.push(compositeGlyph(given))
    const made = contours === 0 ? undefined : glyphs.at(-1)
    if (made) {
      const padding = (4 - (made.length % 4)) % 4
      glyphs.push(Buffer.alloc(padding))
      end += made.length + padding
    }
    loca.writeUInt32BE(end, 4 * (glyph + 1))
  }
  return { glyf: Buffer.concat(glyphs), loca }
}

const bitsOf = (bitmap: Buffer) => (place: number) =>
  ((bitmap[place >> 3] ?? 0) & (0x80 >> (place & 7))) !== 0

interface Given {
  points: Stream
  flags: Stream
  glyphs: Stream
  composites: Stream
  instructions: Stream
  box: Buffer | undefined
}

function simpleGlyph(given: Given, contours: number, overlap: boolean): Buffer {
  let total = 0
  const ends = Array.from({ length: contours }, () => (total += given.points.short()) - 1)
  const flags: number[] = []
  const [xs, ys]: [number[], number[]] = [[], []]
  for (let point = 0; point < total; point++) {
    const flag = given.flags.u8()
    const [x, y] = readStep(flag & 0x7f, given.glyphs)
    flags.push((flag < 0x80 ? 1 : 0) | (point === 0 && overlap ? 0x40 : 0))
    xs.push(x)
    ys.push(y)
  }
  const length = given.glyphs.short()
  return Buffer.concat([
    words([contours]),
    given.box ?? boxOf(xs, ys),
    words([...ends, length]),
    given.instructions.take(length),
    Buffer.from(flags),
    words([...xs, ...ys]),
  ])
}

function compositeGlyph({ composites, glyphs, instructions, box }: Given): Buffer {
  if (!box) throw new Error('a glyph of glyphs has no bounds')
  const written: Buffer[] = [words([-1]), box]
  let instructed = false
  for (let more = true; more;) {
    const flags = composites.u16()
    const scale = flags & 0x08 ? 2 : flags & 0x40 ? 4 : flags & 0x80 ? 8 : 0
    written.push(words([flags]), composites.take((flags & 1 ? 6 : 4) + scale))
    instructed ||= (flags & 0x100) !== 0
    more = (flags & 0x20) !== 0
  }
  if (instructed) {
    const length = glyphs.short()
    written.push(words([length]), instructions.take(length))
  }
  return Buffer.concat(written)
}

/** The step to the next point (WOFF 2.0, section 5.2). */
function readStep(flag: number, { u8, u16 }: Stream): [x: number, y: number] {
  const x = (size: number) => (flag & 1 ? size : -size)
  const y = (size: number) => (flag & 2 ? size : -size)
  if (flag < 10) return [0, x(((flag & 14) << 7) + u8())]
  if (flag < 20) return [x((((flag - 10) & 14) << 7) + u8()), 0]
  if (flag < 84) {
    const [kind, both] = [flag - 20, u8()]
    return [x(1 + (kind & 0x30) + (both >> 4)), y(1 + ((kind & 0x0c) << 2) + (both & 15))]
  }
  if (flag < 120) {
    const kind = flag - 84
    return [x(1 + (Math.floor(kind / 12) << 8) + u8()), y(1 + (((kind % 12) >> 2) << 8) + u8())]
  }
  if (flag >= 124) return [x(u16()), y(u16())]
  const [first, second, third] = [u8(), u8(), u8()]
  return [x((first << 4) + (second >> 4)), y(((second & 15) << 8) + third)]
}

function boxOf(xs: readonly number[], ys: readonly number[]): Buffer {
  const bounds = (steps: readonly number[]) => {
    let [at, least, most] = [0, Infinity, -Infinity]
    for (const step of steps) {
      at += step
      least = Math.min(least, at)
      most = Math.max(most, at)
    }
    return [least, most] as const
  }
  const [[left, right], [bottom, top]] = [bounds(xs), bounds(ys)]
  return words([left, bottom, right, top])
}

/** Numbers of 16 bits, with a sign or without. */
function words(values: readonly number[]): Buffer {
  return Buffer.from(new Int16Array(values).buffer).swap16()
}
