import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { create } from 'fontkit'
import type { Font } from 'fontkit'
import { z } from 'zod'
import { decodeWoff2 } from './decode-woff2.ts'
import { fixWeight } from './fix-weight.ts'
import { writeSfnt } from './write-sfnt.ts'

/** A font for some characters, in two weights. */
export interface FontFile {
  name: string
  /** The whole TrueType file. */
  bytes(bold: boolean): Uint8Array
  has(character: string): boolean
}

/**
 * First come, first asked. Only scripts whose letters take their form and place from their neighbors need the tables that
 * tell these, which are slow to read.
 */
const families: Readonly<Record<string, { shaped: boolean }>> = {
  'source-sans-3': { shaped: false },
  'noto-sans-hebrew': { shaped: true },
  'noto-sans-arabic': { shaped: true },
  'noto-sans-devanagari': { shaped: true },
  'noto-sans-thai': { shaped: true },
  'noto-sans-sc': { shaped: false },
  'noto-sans-kr': { shaped: false },
}
const { resolve } = createRequire(import.meta.url)

interface Range {
  first: number
  last: number
  file: FontFile
}

let ranges: readonly Range[] | undefined
const found = new Map<string, FontFile | undefined>()

/** The font that shows a character, if any of ours does. */
export function fontFor(character: string): FontFile | undefined {
  if (found.has(character)) return found.get(character)
  const codePoint = character.codePointAt(0) ?? 0
  ranges ??= Object.keys(families).flatMap(rangesOf)
  const fitting = ranges.find(
    ({ first, last, file }) => codePoint >= first && codePoint <= last && file.has(character),
  )
  found.set(character, fitting?.file)
  return fitting?.file
}

/** What the files of a family say they are for: `U+0370-0377,U+037A`. A few of these characters they lack. */
function rangesOf(family: string): Range[] {
  const json = readFileSync(resolve(`@fontsource-variable/${family}/unicode.json`), 'utf8')
  const parts = z.record(z.string(), z.string()).parse(JSON.parse(json))
  return Object.entries(parts).flatMap(([part, covered]) => {
    const file = fontFile(family, part.replaceAll(/[[\]]/g, ''))
    return covered.split(',').map((range) => {
      const [first = 0, last = first] = range
        .slice(2)
        .split('-')
        .map((digits) => Number.parseInt(digits, 16))
      return { first, last, file }
    })
  })
}

function fontFile(family: string, part: string): FontFile {
  const name = `${family}-${part}`
  const tables = once(() => {
    const all = decodeWoff2(
      readFileSync(resolve(`@fontsource-variable/${family}/files/${name}-wght-normal.woff2`)),
    )
    if (families[family]?.shaped !== true) for (const tag of ['GDEF', 'GPOS', 'GSUB']) all.delete(tag)
    return all
  })
  const variable = once(() => parseFont(tables()))
  const regular = once(() => fixWeight(tables(), variable(), 400))
  const bold = once(() => fixWeight(tables(), variable(), 700))
  return {
    name,
    bytes: (heavy) => (heavy ? bold() : regular()),
    has: (character) => variable().hasGlyphForCodePoint(character.codePointAt(0) ?? 0),
  }
}

function parseFont(tables: ReadonlyMap<string, Uint8Array>): Font {
  const font = create(Buffer.from(writeSfnt(tables)))
  if (!('getVariation' in font)) throw new Error('this is a collection of fonts')
  return font
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}
