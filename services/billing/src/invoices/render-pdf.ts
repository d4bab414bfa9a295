import PdfDocument from 'pdfkit'
import { codePointMark } from './code-point-mark.ts'
import type { DocumentLine, InvoiceDocument } from './invoice-document.ts'
import { fullWidth, page, penOf } from './pdf-pen.ts'
import type { Pen, TextStyle } from './pdf-pen.ts'

const columns = {
  description: { width: 225 },
  period: { x: 235, width: 75, size: 8 },
  quantity: { x: 312, width: 73, align: 'right' },
  amount: { x: 390, width: fullWidth - 390, align: 'right' },
} satisfies Record<string, TextStyle>

/**
 * An invoice as PDF on A4 pages, with the table's head repeated on each. The same document gives the same bytes: the
 * file's dates and id are those of the invoice.
 */
export async function renderPdf(document: InvoiceDocument): Promise<Uint8Array> {
  const { title, fileName, at } = document
  const pdf = new PdfDocument({
    size: 'A4',
    margin: page.margin,
    bufferPages: true,
    lang: 'en',
    displayTitle: true,
    info: { Title: `${title} ${fileName}`, CreationDate: at, ModDate: at },
  })
  const chunks: Uint8Array[] = []
  pdf.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  pdf.on('end', resolve)
  pdf.on('error', reject)
  drawInvoice(pdf, document)
  pdf.end()
  await promise
  return Buffer.concat(chunks)
}

function drawInvoice(pdf: PDFKit.PDFDocument, document: InvoiceDocument): void {
  const { title, fileName, facts, lines, totals, state, taxes, notes, payments, footer } = document
  const within = { table: false }
  const pen = penOf(pdf, (top) => {
    top.y += top.put(`${title} ${fileName}`, { size: 8, gray: true }) + 10
    if (within.table) drawHead(top)
  })
  pen.y += pen.put(title, { size: 20, bold: true }) + 10
  const top = pen.y
  const heights = [
    column(pen, ['From', ...document.seller], 0),
    column(pen, ['Bill to', ...document.buyer], fullWidth / 2),
  ]
  pen.y = top + Math.max(...heights) + 14
  for (const [label, value] of facts) {
    pen.put(label, { gray: true, width: 110 })
    pen.y += pen.put(value, { x: 115, width: fullWidth - 115 }) + 1
  }
  pen.y += 14
  drawHead(pen)
  within.table = true
  for (const line of lines) drawLine(pen, line)
  within.table = false
  drawTotals(pen, totals, state)
  if (taxes.length > 0) drawTaxes(pen, taxes)
  drawSection(pen, 'Notes', notes)
  drawSection(pen, 'Payments', payments)
  if (footer !== undefined) drawSection(pen, '', [footer])
  if (pen.missing.size > 0) drawSection(pen, '', [missingNote(pen.missing)])
  numberPages(pdf, pen)
}

/** Text one line below the other at `x`; gives the height of all. */
function column(pen: Pen, lines: readonly string[], x: number): number {
  const top = pen.y
  for (const [place, line] of lines.entries()) {
    const style = place === 0 ? { gray: true } : { bold: place === 1 }
    pen.y += pen.put(line, { x, width: fullWidth / 2 - 20, ...style }) + 1
  }
  const height = pen.y - top
  pen.y = top
  return height
}

function drawHead(pen: Pen): void {
  const style = { bold: true, gray: true, size: 8.5 }
  pen.put('Description', { ...columns.description, ...style })
  pen.put('Period', { ...columns.period, ...style })
  pen.put('Quantity', { ...columns.quantity, ...style })
  pen.y += pen.put('Amount', { ...columns.amount, ...style }) + 3
  pen.rule()
  pen.y += 5
}

function drawLine(pen: Pen, { description, period, quantity, details, amount }: DocumentLine): void {
  const blocks = [
    pen.block(description, columns.description),
    ...details.map((detail) => pen.block(detail, { x: 6, width: 219, size: 7.5, gray: true })),
  ]
  const cells = [
    pen.block(period, columns.period),
    pen.block(quantity, columns.quantity),
    pen.block(amount, columns.amount),
  ]
  const beside = Math.max(...cells.map(({ height }) => height))
  const height = blocks.reduce((sum, block) => sum + block.height, 0)
  // A row stays in one piece if that leaves no more than a third of a page empty.
  pen.need(Math.max(beside, Math.min(height, 230)) + 8)
  const top = pen.y
  for (const cell of cells)
    for (const [place, line] of cell.lines.entries()) cell.draw(line, top + place * cell.leading)
  for (const block of blocks) pen.flow(block)
  // Where the text has gone on on another page, the cells beside it are on the one before.
  if (pen.y > top) pen.y = Math.max(pen.y, top + beside)
  pen.y += 3
  pen.rule()
  pen.y += 5
}

function drawTotals(pen: Pen, totals: InvoiceDocument['totals'], state: InvoiceDocument['state']): void {
  pen.y += 4
  const x = fullWidth / 2 - 20
  const rows = [...totals.map((row) => ({ row, bold: false })), { row: state, bold: true }].map(
    ({ row: [label, value], bold }) => [
      pen.block(label, { x, width: 130, bold }),
      pen.block(value, { x: x + 135, width: fullWidth - x - 135, align: 'right', bold }),
    ],
  )
  drawRows(pen, rows)
}

function drawTaxes(pen: Pen, taxes: InvoiceDocument['taxes']): void {
  const rows = [
    ['Tax', 'Rate', 'Taxable', 'Tax amount'],
    ...taxes.map(({ name, rate, base, amount }) => [name, rate, base, amount]),
  ].map(([name = '', rate = '', base = '', amount = ''], place) => {
    const style = { bold: place === 0, gray: place === 0 }
    const right = { align: 'right' as const, ...style }
    return [
      pen.block(name, { width: 200, ...style }),
      pen.block(rate, { x: 205, width: 60, ...right }),
      pen.block(base, { x: 270, width: 110, ...right }),
      pen.block(amount, { x: 385, width: fullWidth - 385, ...right }),
    ]
  })
  pen.y += 14
  drawRows(pen, rows)
}

/** Rows of blocks beside each other, kept on one page if they fit on one. */
function drawRows(pen: Pen, rows: readonly ReturnType<Pen['block']>[][]): void {
  const heights = rows.map((row) => Math.max(...row.map(({ height }) => height)) + 3)
  const all = heights.reduce((sum, height) => sum + height, 0)
  pen.need(all < 400 ? all : 0)
  for (const [place, row] of rows.entries()) {
    const height = heights[place] ?? 0
    pen.need(height)
    for (const block of row)
      for (const [at, line] of block.lines.entries()) block.draw(line, pen.y + at * block.leading)
    pen.y += height
  }
}

function drawSection(pen: Pen, heading: string, texts: readonly string[]): void {
  if (texts.length === 0) return
  pen.y += 12
  pen.need(40)
  if (heading !== '') pen.y += pen.put(heading, { gray: true, bold: true }) + 2
  for (const text of texts) {
    pen.flow(pen.block(text, { size: 8.5 }))
    pen.y += 2
  }
}

function missingNote([first = '']: Iterable<string>): string {
  return `A code such as ${codePointMark(first)} stands for a character that no font of this file has. The HTML form of the invoice shows it.`
}

function numberPages(pdf: PDFKit.PDFDocument, pen: Pen): void {
  const { count } = pdf.bufferedPageRange()
  for (let place = 0; place < count; place++) {
    pdf.switchToPage(place)
    pen.y = page.height - 40
    pen.put(`Page ${place + 1} of ${count}`, { align: 'right', size: 8, gray: true })
  }
}
