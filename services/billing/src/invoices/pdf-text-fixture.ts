import { inflateSync } from 'node:zlib'

/** Text as a reader of a PDF of ours finds it: on which page (from 1), where its baseline begins, what it says. */
export interface PdfText {
  page: number
  x: number
  y: number
  text: string
}

/** What the content streams of a PDF of ours show, by the character maps of its fonts. */
export function readPdf(pdf: Uint8Array): PdfText[] {
  const file = Buffer.from(pdf).toString('latin1')
  const objects = new Map<string, string>()
  for (const [, id = '', body = ''] of file.matchAll(/^(\d+) 0 obj\n([\s\S]*?)\nendobj$/gm))
    objects.set(id, body)
  const referred = (body: string, name: string) => new RegExp(`/${name} (\\d+) 0 R`).exec(body)?.[1] ?? ''
  const stream = (id: string) => {
    const body = objects.get(id) ?? ''
    const data = Buffer.from(/stream\n([\s\S]*)\nendstream/.exec(body)?.[1] ?? '', 'latin1')
    return body.includes('/FlateDecode') ? inflateSync(data).toString('latin1') : data.toString('latin1')
  }
  const maps = new Map<string, string[]>()
  for (const [, name = '', id = ''] of file.matchAll(/\/(F\d+) (\d+) 0 R/g))
    maps.set(name, readMap(stream(referred(objects.get(id) ?? '', 'ToUnicode'))))
  const pages = [...objects.values()].filter((body) => body.includes('/Type /Page\n'))
  return pages.flatMap((body, place) => readPage(stream(referred(body, 'Contents')), place + 1, maps))
}

/** The same as lines of text, each in the order in which it was drawn. */
export function linesOfPdf(pdf: Uint8Array): string {
  const rows = Map.groupBy(readPdf(pdf), ({ page, y }) => `${page} ${Math.round(y)}`)
  return [...rows.values()].map((row) => row.map(({ text }) => text).join('')).join('\n')
}

/** The text of each glyph, by its number. */
function readMap(cmap: string): string[] {
  const shown: string[] = []
  for (const [, first = '', targets = ''] of cmap.matchAll(/<(\w{4})> <\w{4}> \[(.*)\]/g)) {
    for (const [place, [, hex = '']] of [...targets.matchAll(/<([\w ]*)>/g)].entries()) {
      const units = (hex.match(/\w{4}/g) ?? []).map((digits) => Number.parseInt(digits, 16))
      shown[Number.parseInt(first, 16) + place] = String.fromCharCode(...units)
    }
  }
  return shown
}

function readPage(content: string, page: number, maps: ReadonlyMap<string, string[]>): PdfText[] {
  const found: PdfText[] = []
  let [x, y, map] = [0, 0, [] as readonly string[]]
  for (const line of content.split('\n')) {
    const at = /^1 0 0 1 ([-\d.]+) ([-\d.]+) Tm$/.exec(line)
    if (at) [x, y] = [Number(at[1]), Number(at[2])]
    const font = /^\/(F\d+) /.exec(line)?.[1]
    if (font !== undefined) map = maps.get(font) ?? []
    if (!line.endsWith(' TJ')) continue
    const glyphs = [...line.matchAll(/<(\w*)>/g)].flatMap(([, hex = '']) => hex.match(/\w{4}/g) ?? [])
    found.push({ page, x, y, text: glyphs.map((glyph) => map[Number.parseInt(glyph, 16)]).join('') })
  }
  return found
}
