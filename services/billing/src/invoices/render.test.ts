import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { explainRest, price, rateUsage, reverseExplanation, shareOfPeriod } from '@tallystick/pricing'
import { invoiceDocument } from './invoice-document.ts'
import { lineDetails } from './line-details.ts'
import { renderHtml } from './render-html.ts'
import { renderPdf } from './render-pdf.ts'
import { storedInvoiceFor } from './stored-invoice-fixture.ts'
import { toWinAnsi } from './win-ansi.ts'

const parties = {
  seller: { name: 'Tallystick GmbH', address: ['Hauptstr. 1', '10115 Berlin'], taxId: 'DE999' },
  buyer: { name: 'Example Labs', address: [], country: 'FR', taxId: 'FR123' },
  payments: [],
  creditNotes: [],
}

/** The text of a PDF of ours: what its content streams show. */
function textOf(pdf: Uint8Array): string {
  const bytes = Buffer.from(pdf).toString('latin1')
  const streams = [...bytes.matchAll(/\/FlateDecode\n>>\nstream\n([\s\S]*?)\nendstream/g)]
  const drawn = streams.map(([, body = '']) => inflateSync(Buffer.from(body, 'latin1')).toString('latin1'))
  return [...drawn.join('\n').matchAll(/\[(.*?)\] TJ/g)]
    .map(([, shown = '']) =>
      [...shown.matchAll(/<([0-9a-f]*)>/g)]
        .map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1'))
        .join(''),
    )
    .join('\n')
}

describe('an invoice as PDF', () => {
  it('has the same bytes each time', async () => {
    const document = invoiceDocument(storedInvoiceFor(3), parties)
    const [first, second] = [await renderPdf(document), await renderPdf(document)]
    expect(Buffer.compare(first, second)).toBe(0)
    expect(Buffer.from(first.subarray(0, 5)).toString()).toBe('%PDF-')
  })

  it('shows number, parties, lines, taxes, totals and what is due', async () => {
    const text = textOf(await renderPdf(invoiceDocument(storedInvoiceFor(2), parties)))
    for (const part of [
      '2026-000042',
      'Tallystick GmbH',
      'Example Labs',
      'Tax ID FR123',
      '19%',
      'Reverse charge',
    ])
      expect(text).toContain(part)
    expect(text).toContain('23.80 EUR, due 2026-02-14')
  })

  it('of hundreds of lines goes on over pages, each with its number and the head of the table', async () => {
    const text = textOf(await renderPdf(invoiceDocument(storedInvoiceFor(250), parties)))
    const pages = Number(/Page 1 of (\d+)/.exec(text)?.[1])
    expect(pages).toBeGreaterThan(5)
    expect(text).toContain(`Page ${pages} of ${pages}`)
    expect(text.match(/Quantity/g)?.length).toBeGreaterThanOrEqual(pages - 1)
    expect(text).toContain('Line 250')
  })

  it('of names in any script does not fail, and says where characters are missing', async () => {
    const buyer = { ...parties.buyer, name: '株式会社 Łódź Přílis 😀' }
    const text = textOf(await renderPdf(invoiceDocument(storedInvoiceFor(1), { ...parties, buyer })))
    expect(text).toContain('? Lódz Prílis ?')
    expect(text).toContain('Some characters cannot be shown')
  })
})

describe('an invoice as HTML', () => {
  it('shows hostile text as text', () => {
    const hostile = '</td><script>alert(1)</script><img src=x onerror="alert(2)">\'&'
    const invoice = storedInvoiceFor(1, { description: hostile, footer: hostile })
    const buyer = { name: hostile, address: [hostile], email: hostile, country: hostile, taxId: hostile }
    const html = renderHtml(invoiceDocument(invoice, { ...parties, buyer }))
    expect(html).not.toMatch(/<script|<img|onerror="/)
    expect(html).toContain('&lt;script&gt;alert(1)')
    const tags = new Set([...html.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag))
    expect(
      [...tags].filter(
        (tag) =>
          !/^(html|head|meta|title|style|body|h1|h2|div|p|table|thead|tbody|tr|th|td|small|footer)$/.test(
            tag ?? '',
          ),
      ),
    ).toEqual([])
  })

  it('tells how each amount came about, taxes by rate, and the notes that the law asks for', () => {
    const html = renderHtml(invoiceDocument(storedInvoiceFor(2), parties))
    expect(html).toContain('<small>10 × 1 = 10</small>')
    expect(html).toContain('VAT DE')
    expect(html).toContain('Reverse charge: the recipient owes the tax')
  })
})

it('a proration tells the price, how long of how long it is charged or given back for, and each rounding', () => {
  const seats = price.parse({ model: 'seat', currency: 'USD', unit_amount: '9.999' })
  const april = { start: new Date('2026-04-01T00:00:00Z'), end: new Date('2026-05-01T00:00:00Z') }
  const share = shareOfPeriod(april, { start: new Date('2026-04-11T07:00:00Z'), end: april.end })
  const { explanation } = explainRest(rateUsage(seats, { quantity: '3' }), share)
  expect(lineDetails({ explanation: JSON.stringify(reverseExplanation(explanation)) })).toEqual([
    '3 × 9.999 = 29.997',
    '29.997 rounded half away from zero = 30',
    '30 for 1702800 of 2592000 seconds (19.71 of 30 days) of the period = 19.71, rounded half away from zero',
    'taken back',
  ])
})

describe('text for the standard fonts', () => {
  it('keeps what they have, drops accents that they lack, and marks the rest', () => {
    expect(toWinAnsi('Zoë’s Café – 5 €')).toEqual({ text: 'Zoë’s Café – 5 €', lossy: false })
    expect(toWinAnsi('Őrség Łódź ﬁne')).toEqual({ text: 'Orség Lódz fine', lossy: false })
    expect(toWinAnsi('a\tb')).toEqual({ text: 'a b', lossy: false })
    expect(toWinAnsi('日本 עברית')).toEqual({ text: '? ?', lossy: true })
  })
})
