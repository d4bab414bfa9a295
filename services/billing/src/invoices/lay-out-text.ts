import createBidi from 'bidi-js/dist/bidi.mjs'
import { codePointMark } from './code-point-mark.ts'
import { fontFor } from './fonts/font-for.ts'
import type { FontFile } from './fonts/font-for.ts'

const bidi = createBidi()
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Text of one font and one direction, as it is drawn: from its left end to its right. */
export interface Run {
  text: string
  font: FontFile
  rightToLeft: boolean
  width: number
}

/** The runs of a line from left to right. */
export interface Line {
  runs: readonly Run[]
  width: number
}

/** How wide text is in a font, in points. */
export type Measure = (text: string, font: FontFile, rightToLeft: boolean) => number

/** What stands or falls together: a letter with its marks. */
interface Cluster {
  text: string
  shown: string
  font: FontFile
  level: number
}

/**
 * Text as lines of at most `width` points: broken where its script allows, within a word only if the word alone is too
 * long, ordered by the Unicode Bidirectional Algorithm (UAX #9), each letter in a font that has it. Characters without a
 * font are added to `missing`, and their code points stand in their place.
 */
export function layOutText(
  text: string,
  { width, measure, missing }: { width: number; measure: Measure; missing: Set<string> },
): Line[] {
  const lines: Line[] = []
  for (const paragraph of text
    .normalize('NFC')
    .replaceAll(/[\t\u2028\u2029]/g, ' ')
    .split(/\r?\n/)) {
    const clusters = clustersOf(paragraph, missing)
    const broken = breakLines(wordsOf(clusters), width, measure)
    lines.push(...broken.map((line) => drawn(line, measure)))
  }
  return lines
}

function clustersOf(paragraph: string, missing: Set<string>): Cluster[] {
  const { levels } = bidi.getEmbeddingLevels(paragraph)
  return Array.from(graphemes.segment(paragraph)).flatMap(({ segment: text, index }) => {
    const level = levels[index] ?? 0
    const characters = Array.from(text)
    const fonts = characters.map(fontFor)
    const whole = fonts.find(
      (font) => font !== undefined && characters.every((one) => isNothing(one) || font.has(one)),
    )
    // Joiners shape the letters of some scripts, and have no form of their own.
    const shown = characters.filter((one) => !isNothing(one) || whole?.has(one) === true)
    if (shown.length === 0) return []
    if (whole) return [{ text, shown: shown.join(''), font: whole, level }]
    return shown.flatMap((one) => {
      const font = fontFor(one)
      if (font) return [{ text: one, shown: one, font, level }]
      missing.add(one)
      return markOf(one, level)
    })
  })
}

/** The code point of a character that no font has, from left to right whatever stands around it. */
function markOf(character: string, level: number): Cluster[] {
  const leftToRight = level + (level % 2)
  return Array.from(codePointMark(character), (one) => ({
    text: one,
    shown: one,
    font: mustHave(one),
    level: leftToRight,
  }))
}

function mustHave(character: string): FontFile {
  const font = fontFor(character)
  if (!font) throw new Error(`no font has ${character}, which stands for others`)
  return font
}

const isNothing = (character: string) => /^\p{Default_Ignorable_Code_Point}$/u.test(character)

const isSpace = ({ text }: Cluster) => /^[\p{Zs}--[\u00a0\u202f]]$/v.test(text)
const ideograph = /^[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\u3000-\u303f\uff01-\uff60]/u
const neverFirst = /^[\p{Pe}\p{Pf}、。，．・：；？！ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ]/u
const neverLast = /^[\p{Ps}\p{Pi}]/u

/** Where a line may end: after spaces and hyphens, and between the signs of scripts that have no spaces. */
function wordsOf(clusters: readonly Cluster[]): Cluster[][] {
  const words: Cluster[][] = []
  let before: Cluster | undefined
  for (const cluster of clusters) {
    if (!before || (!isSpace(cluster) && mayBreak(before, cluster))) words.push([])
    words.at(-1)?.push(cluster)
    before = cluster
  }
  return words
}

function mayBreak(before: Cluster, after: Cluster): boolean {
  if (isSpace(before)) return true
  if (/^[-\u2010]$/.test(before.text)) return /^\p{L}/u.test(after.text)
  if (/^[\u2013\u2014/]$/.test(before.text)) return true
  const either = ideograph.test(before.text) || ideograph.test(after.text)
  return either && !neverLast.test(before.text) && !neverFirst.test(after.text)
}

function breakLines(words: readonly Cluster[][], width: number, measure: Measure): Cluster[][] {
  const lines: Cluster[][] = [[]]
  let left = width
  for (const word of words) {
    const wide = widthOf(trimmed(word), measure)
    if (wide <= left) {
      lines.at(-1)?.push(...word)
      left -= widthOf(word, measure)
      continue
    }
    if (wide <= width) {
      lines.push([...word])
      left = width - widthOf(word, measure)
      continue
    }
    // Longer than a line: it begins here, and ends where it must.
    for (const cluster of word) {
      const more = widthOf([cluster], measure)
      if (more > left && (lines.at(-1)?.length ?? 0) > 0) {
        lines.push([])
        left = width
      }
      lines.at(-1)?.push(cluster)
      left -= more
    }
  }
  return lines.map(trimmed)
}

function trimmed(clusters: readonly Cluster[]): Cluster[] {
  const last = clusters.findLastIndex((cluster) => !isSpace(cluster))
  return clusters.slice(0, last + 1)
}

function widthOf(clusters: readonly Cluster[], measure: Measure): number {
  return runsOf(clusters, measure).reduce((sum, run) => sum + run.width, 0)
}

function drawn(clusters: readonly Cluster[], measure: Measure): Line {
  const runs = reordered(runsOf(clusters, measure))
  return { runs, width: runs.reduce((sum, run) => sum + run.width, 0) }
}

function runsOf(clusters: readonly Cluster[], measure: Measure): (Run & { level: number })[] {
  const groups: Cluster[][] = []
  for (const cluster of clusters) {
    const last = groups.at(-1)
    const [like] = last ?? []
    if (last && like?.font === cluster.font && like.level === cluster.level) last.push(cluster)
    else groups.push([cluster])
  }
  return groups.flatMap((group) => {
    const [first] = group
    if (!first) return []
    const { font, level } = first
    const directed = inDirection(
      group.map(({ shown }) => shown),
      level,
    )
    return [{ ...directed, font, level, width: measure(directed.text, font, directed.rightToLeft) }]
  })
}

const drawnBackwards = /[\p{sc=Arab}\p{sc=Hebr}\u0660-\u0669\u06f0-\u06f9]/u

/** Text of one level as it must be given to its font: that turns Arabic and Hebrew around itself, digits included. */
function inDirection(parts: readonly string[], level: number): { text: string; rightToLeft: boolean } {
  const rightToLeft = drawnBackwards.test(parts.join(''))
  if (level % 2 === 0) return { text: (rightToLeft ? parts.toReversed() : parts).join(''), rightToLeft }
  const turned = parts.map((one) => bidi.getMirroredCharacter(one) ?? one)
  return { text: (rightToLeft ? turned : turned.toReversed()).join(''), rightToLeft }
}

/** From the order of reading to that from left to right: rule L2 of UAX #9. */
function reordered<R extends { level: number }>(runs: readonly R[]): R[] {
  let order = [...runs]
  const highest = Math.max(0, ...runs.map(({ level }) => level))
  for (let level = highest; level >= 1; level--) {
    const next: R[] = []
    for (let at = 0; at < order.length;) {
      let end = at
      while (end < order.length && (order[end]?.level ?? 0) >= level) end++
      if (end === at) end++
      const part = order.slice(at, end)
      next.push(...((part[0]?.level ?? 0) >= level ? part.toReversed() : part))
      at = end
    }
    order = next
  }
  return order
}
