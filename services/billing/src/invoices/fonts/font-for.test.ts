import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { create } from 'fontkit'
import { describe, expect, it } from 'vitest'
import { decodeWoff2 } from './decode-woff2.ts'
import { fontFor } from './font-for.ts'
import { writeSfnt } from './write-sfnt.ts'

const { resolve } = createRequire(import.meta.url)

function parse(bytes: Uint8Array) {
  const font = create(Buffer.from(bytes))
  if (!('getVariation' in font)) throw new Error('a collection')
  return font
}

type Font = ReturnType<typeof parse>
const glyphsOf = (font: Font) =>
  Array.from({ length: font.numGlyphs }, (_, id) => {
    const { path, advanceWidth } = font.getGlyph(id)
    return `${Math.round(advanceWidth)} ${path.toSVG()}`
  })

describe('a font in WOFF 2.0', () => {
  it.each([
    ['source-sans-3', 'source-sans-3-latin-ext'],
    ['noto-sans-hebrew', 'noto-sans-hebrew-hebrew'],
    ['noto-sans-sc', 'noto-sans-sc-100'],
  ])('has as TrueType the glyphs that it had: %s', (family, name) => {
    const woff2 = readFileSync(resolve(`@fontsource-variable/${family}/files/${name}-wght-normal.woff2`))
    expect(glyphsOf(parse(writeSfnt(decodeWoff2(woff2))))).toEqual(glyphsOf(parse(woff2)))
  })

  it('is refused if it is something else', () => {
    expect(() => decodeWoff2(Buffer.alloc(64))).toThrow('no TrueType font')
  })
})

describe('the font for a character', () => {
  it.each(['ł', 'ж', 'ש', '漢', '한'])('has it in two weights: %s', (character) => {
    const font = fontFor(character)
    const [regular, bold] = [false, true].map((heavy) => parse(font?.bytes(heavy) ?? Buffer.alloc(0)))
    const glyph = (of: Font | undefined) => of?.glyphForCodePoint(character.codePointAt(0) ?? 0).path.toSVG()
    expect(glyph(regular)).toMatch(/^M/)
    expect(glyph(bold)).not.toBe(glyph(regular))
    expect(Object.keys(regular?.variationAxes ?? {})).toEqual([])
  })

  it('is none for what no font has', () => {
    expect(fontFor('😀')).toBeUndefined()
  })
})
