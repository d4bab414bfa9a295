import { layOutText } from './lay-out-text.ts'
import type { Line, Measure, Run } from './lay-out-text.ts'
import type { FontFile } from './fonts/font-for.ts'

/** A4 in points, and the part of it that text may take. */
export const page = { width: 595.28, height: 841.89, margin: 50, bottom: 841.89 - 70 }
/** How wide a line across the page is. */
export const fullWidth = page.width - 2 * page.margin

/** How and where text is set; `x` and `width` in points from the left margin. */
export interface TextStyle {
  x?: number
  width?: number
  align?: 'left' | 'right'
  size?: number
  bold?: boolean
  gray?: boolean
}

/** Text that is laid out and not yet drawn. */
export interface Block {
  lines: readonly Line[]
  /** From line to line, in points. */
  leading: number
  height: number
  /** Draws one of the lines, its top at `y`. */
  draw(line: Line, y: number): void
}

/** Where the next text goes, and which characters no font could show so far. */
export interface Pen {
  y: number
  readonly missing: ReadonlySet<string>
  block(text: string, style?: TextStyle): Block
  /** Draws a block at the pen, which stays where it is; gives the height. */
  put(text: string, style?: TextStyle): number
  /** Draws a block at the pen line by line and goes below it; what does not fit goes on on the next page. */
  flow(block: Block): void
  /** Begins a page unless `height` fits on this one. */
  need(height: number): void
  rule(): void
}

/** A pen at the top of the first page. `onPage` draws what stands at the top of each further one. */
export function penOf(pdf: PDFKit.PDFDocument, onPage: (pen: Pen) => void): Pen {
  const missing = new Set<string>()
  const measure = measureIn(pdf)
  // Periods, quantities and amounts are often the same from line to line.
  const laidOut = new Map<string, readonly Line[]>()
  const pen: Pen = {
    y: page.margin,
    missing,
    block(text, { x = 0, width = fullWidth, align = 'left', size = 9, bold = false, gray = false } = {}) {
      const key = [width, size, bold, text].join('\n')
      const lines = laidOut.get(key) ?? layOutText(text, { width, measure: measure({ size, bold }), missing })
      laidOut.set(key, lines)
      const leading = size * 1.4
      return {
        lines,
        leading,
        height: leading * lines.length,
        draw(line, y) {
          pdf.fillColor(gray ? '#666666' : '#1a1a1a')
          let left = page.margin + x + (align === 'right' ? width - line.width : 0)
          for (const run of line.runs) {
            drawRun(pdf, run, { left, baseline: y + size * 1.05, size, bold })
            left += run.width
          }
        },
      }
    },
    put(text, style) {
      const block = pen.block(text, style)
      for (const [place, line] of block.lines.entries()) block.draw(line, pen.y + place * block.leading)
      return block.height
    },
    flow(block) {
      for (const line of block.lines) {
        pen.need(block.leading)
        block.draw(line, pen.y)
        pen.y += block.leading
      }
    },
    need(height) {
      if (pen.y + height <= page.bottom) return
      pdf.addPage()
      pen.y = page.margin
      onPage(pen)
    },
    rule() {
      const { margin } = page
      const line = pdf.moveTo(margin, pen.y).lineTo(margin + fullWidth, pen.y)
      line.lineWidth(0.5).strokeColor('#999999').stroke()
    },
  }
  return pen
}

interface Weight {
  size: number
  bold: boolean
}

function setFont(pdf: PDFKit.PDFDocument, font: FontFile, { size, bold }: Weight): PDFKit.PDFDocument {
  const name = `${font.name} ${bold ? 'bold' : 'regular'}`
  if (!known(pdf).has(name)) {
    pdf.registerFont(name, font.bytes(bold))
    known(pdf).add(name)
  }
  return pdf.font(name).fontSize(size)
}

const registered = new WeakMap<PDFKit.PDFDocument, Set<string>>()

function known(pdf: PDFKit.PDFDocument): Set<string> {
  const names = registered.get(pdf) ?? new Set()
  registered.set(pdf, names)
  return names
}

/** pdfkit lays out words one by one, from left to right, unless it is told features. */
const featuresOf = (rightToLeft: boolean) => (rightToLeft ? { features: [] } : {})

function measureIn(pdf: PDFKit.PDFDocument): (weight: Weight) => Measure {
  const widths = new Map<string, number>()
  return (weight) => (text, font, rightToLeft) => {
    const { size, bold } = weight
    const key = [font.name, bold, rightToLeft, text].join('\n')
    let width = widths.get(key)
    if (width === undefined) {
      width = setFont(pdf, font, { ...weight, size: 1000 }).widthOfString(text, featuresOf(rightToLeft))
      widths.set(key, width)
    }
    return (width * size) / 1000
  }
}

function drawRun(
  pdf: PDFKit.PDFDocument,
  { text, font, rightToLeft }: Run,
  { left, baseline, ...weight }: Weight & { left: number; baseline: number },
): void {
  setFont(pdf, font, weight)
  pdf.text(text, left, baseline, {
    lineBreak: false,
    baseline: 'alphabetic',
    ...featuresOf(rightToLeft),
  })
}
