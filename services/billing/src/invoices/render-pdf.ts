import PdfDocument from 'pdfkit'
import type { DocumentLine, InvoiceDocument } from './invoice-document.ts'
import { toWinAnsi } from './win-ansi.ts'

const margin = 50
const width = 595.28 - 2 * margin
const bottom = 841.89 - 70
const columns = { description: 0, period: 235, quantity: 325, amount: 395 }
const notShown =
  'Some characters cannot be shown in this file and appear as "?"; the HTML form of the invoice shows them.'

/**
 * An invoice as PDF on A4 pages, with the table's head repeated on each. The same document gives the same bytes: the
 * file's dates and id are those of the invoice.
 */
export async function renderPdf(document: InvoiceDocument): Promise<Uint8Array> {
  const { title, fileName, at } = document
  const pdf = new PdfDocument({
    size: 'A4',
    margin,
    bufferPages: true,
    info: { Title: toWinAnsi(`${title} ${fileName}`).text, CreationDate: at, ModDate: at },
  })
  const chunks: Uint8Array[] = []
  pdf.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  pdf.on('end', resolve)
  pdf.on('error', reject)
  drawInvoice(pdf, document)
  numberPages(pdf)
  pdf.end()
  await promise
  return Buffer.concat(chunks)
}

interface Style {
  x?: number
  width?: number
  align?: 'left' | 'right'
  size?: number
  bold?: boolean
  gray?: boolean
}

/** Where the next text goes, and whether a character was lost on the way. */
interface Pen {
  y: number
  lossy: boolean
  write(text: string, style?: Style): number
  /** How high text in `wide` points will be. */
  height(text: string, wide: number): number
  /** Begins a page unless `height` fits on this one; whether it did. */
  make(height: number): boolean
  rule(): void
}

function drawInvoice(pdf: PDFKit.PDFDocument, document: InvoiceDocument): void {
  const pen = penOf(pdf)
  const { title, facts, lines, totals, state, taxes, notes, payments, footer } = document
  pen.y += pen.write(title, { size: 20, bold: true }) + 14
  const top = pen.y
  const heights = [
    column(pen, ['From', ...document.seller], 0),
    column(pen, ['Bill to', ...document.buyer], width / 2),
  ]
  pen.y = top + Math.max(...heights) + 14
  for (const [label, value] of facts) {
    pen.write(label, { gray: true, width: 110 })
    pen.y += pen.write(value, { x: 115, width: width - 115 }) + 2
  }
  pen.y += 14
  drawHead(pen)
  for (const line of lines) drawLine(pen, line)
  pen.y += 6
  pen.make(16 * (totals.length + 1))
  for (const [label, value] of totals) drawTotal(pen, label, value, false)
  drawTotal(pen, state[0], state[1], true)
  if (taxes.length > 0) drawTaxes(pen, taxes)
  drawSection(pen, 'Notes', notes)
  drawSection(pen, 'Payments', payments)
  if (footer !== undefined) drawSection(pen, '', footer.split('\n'))
  if (pen.lossy) drawSection(pen, '', [notShown])
}

function penOf(pdf: PDFKit.PDFDocument): Pen {
  const pen: Pen = {
    y: margin,
    lossy: false,
    write(text, { x = 0, width: wide = width, align = 'left', size = 9, bold = false, gray = false } = {}) {
      const shown = toWinAnsi(text)
      pen.lossy ||= shown.lossy
      pdf
        .font(bold ? 'Helvetica-Bold' : 'Helvetica')
        .fontSize(size)
        .fillColor(gray ? '#666666' : '#1a1a1a')
      const height = pdf.heightOfString(shown.text, { width: wide, align })
      pdf.text(shown.text, margin + x, pen.y, { width: wide, align, lineBreak: true })
      return height
    },
    height(text, wide) {
      return pdf.font('Helvetica').fontSize(9).heightOfString(toWinAnsi(text).text, { width: wide })
    },
    make(height) {
      if (pen.y + height <= bottom) return false
      pdf.addPage()
      pen.y = margin
      return true
    },
    rule() {
      pdf
        .moveTo(margin, pen.y)
        .lineTo(margin + width, pen.y)
        .lineWidth(0.5)
        .strokeColor('#999999')
        .stroke()
    },
  }
  return pen
}

/** Text one line below the other at `x`; gives the height of all. */
function column(pen: Pen, lines: readonly string[], x: number): number {
  const top = pen.y
  for (const [place, line] of lines.entries()) {
    const style = place === 0 ? { gray: true } : { bold: place === 1 }
    pen.y += pen.write(line, { x, width: width / 2 - 20, ...style }) + 2
  }
  const height = pen.y - top
  pen.y = top
  return height
}

function drawHead(pen: Pen): void {
  const style = { bold: true, gray: true }
  pen.write('Description', { ...style, width: 225 })
  pen.write('Period', { ...style, x: columns.period, width: 85 })
  pen.write('Quantity', { ...style, x: columns.quantity, width: 65, align: 'right' })
  pen.y +=
    pen.write('Amount', { ...style, x: columns.amount, width: width - columns.amount, align: 'right' }) + 4
  pen.rule()
  pen.y += 6
}

function drawLine(pen: Pen, { description, period, quantity, details, amount }: DocumentLine): void {
  // A description stays in one piece with its first detail; further details may flow on to the next page.
  if (pen.make(pen.height(description, 225) + 24)) drawHead(pen)
  const cells = [
    pen.write(period, { x: columns.period, width: 85, size: 8 }),
    pen.write(quantity, { x: columns.quantity, width: 65, align: 'right' }),
    pen.write(amount, { x: columns.amount, width: width - columns.amount, align: 'right' }),
  ]
  const top = pen.y
  pen.y += pen.write(description, { width: 225 }) + 2
  for (const detail of details) {
    if (pen.make(24)) drawHead(pen)
    pen.y += pen.write(detail, { x: 6, width: 219, size: 7.5, gray: true }) + 1
  }
  const below = top + Math.max(...cells) + 2
  if (pen.y > top) pen.y = Math.max(pen.y, below)
  pen.y += 3
  pen.rule()
  pen.y += 5
}

function drawTotal(pen: Pen, label: string, value: string, bold: boolean): void {
  const x = width / 2 - 20
  pen.write(label, { x, width: 130, bold })
  pen.y += pen.write(value, { x: x + 130, width: width - x - 130, align: 'right', bold }) + 4
}

function drawTaxes(pen: Pen, taxes: InvoiceDocument['taxes']): void {
  pen.make(Math.min(40 + 16 * taxes.length, 400))
  pen.y += 14
  drawTax(pen, ['Tax', 'Rate', 'Taxable', 'Tax amount'], true)
  pen.rule()
  pen.y += 4
  for (const { name, rate, base, amount } of taxes) {
    pen.make(16)
    drawTax(pen, [name, rate, base, amount], false)
  }
}

function drawTax(pen: Pen, cells: readonly string[], head: boolean): void {
  const right = { align: 'right' as const, bold: head, gray: head }
  const [name = '', rate = '', base = '', amount = ''] = cells
  const height = pen.write(name, { width: 200, bold: head, gray: head })
  pen.write(rate, { x: 205, width: 60, ...right })
  pen.write(base, { x: 270, width: 110, ...right })
  pen.write(amount, { x: 385, width: width - 385, ...right })
  pen.y += height + 3
}

function drawSection(pen: Pen, heading: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  pen.make(40)
  pen.y += 12
  if (heading !== '') pen.y += pen.write(heading, { gray: true, bold: true }) + 3
  for (const line of lines) {
    pen.make(30)
    pen.y += pen.write(line, { size: 8.5 }) + 2
  }
}

function numberPages(pdf: PDFKit.PDFDocument): void {
  const { count } = pdf.bufferedPageRange()
  for (let page = 0; page < count; page++) {
    pdf.switchToPage(page)
    // Below the bottom margin pdfkit would begin another page.
    pdf.page.margins.bottom = 0
    pdf.font('Helvetica').fontSize(8).fillColor('#666666')
    pdf.text(`Page ${page + 1} of ${count}`, margin, 841.89 - 40, { width, align: 'right', lineBreak: false })
  }
}
