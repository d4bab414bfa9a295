import { describe, expect, it } from 'vitest'
import { explainRest, price, rateUsage, reverseExplanation, shareOfPeriod } from '@tallystick/pricing'
import { invoiceDocument } from './invoice-document.ts'
import { lineDetails } from './line-details.ts'
import { linesOfPdf, readPdf } from './pdf-text-fixture.ts'
import { renderHtml } from './render-html.ts'
import { renderInThread } from './render-in-thread.ts'
import { renderPdf } from './render-pdf.ts'
import { storedInvoiceFor } from './stored-invoice-fixture.ts'

const parties = {
  seller: { name: 'Tallystick GmbH', address: ['Hauptstr. 1', '10115 Berlin'], taxId: 'DE999' },
  buyer: { name: 'Example Labs', address: [], country: 'FR', taxId: 'FR123' },
  payments: [],
  creditNotes: [],
}

/** An invoice with one line for each description. */
function invoiceOf(descriptions: readonly string[]) {
  const invoice = storedInvoiceFor(descriptions.length)
  const lines = invoice.lines.map((line, place) => ({ ...line, description: descriptions[place] ?? '' }))
  return { ...invoice, lines }
}

const hostile = [
  'W'.repeat(500),
  'inv_01kqxq5t8r0000000000000000-'.repeat(12),
  'D '.repeat(250),
  '漢'.repeat(300),
  'a\u202eoverride\u202c and \u0007 bell, \u200fmarks\u200e, \u2067isolates\u2069',
  '👩‍👩‍👧 '.repeat(60),
  'e\u0301\u0323'.repeat(100),
]

describe('an invoice as PDF', () => {
  it('has the same bytes each time, whatever was rendered in between', async () => {
    const document = invoiceDocument(invoiceOf(['Łódź', '株式会社', 'شركة', '😀']), parties)
    const first = await renderPdf(document)
    await renderPdf(invoiceDocument(invoiceOf(hostile), parties))
    expect(Buffer.compare(first, await renderPdf(document))).toBe(0)
    expect(Buffer.from(first.subarray(0, 5)).toString()).toBe('%PDF-')
  })

  it('shows number, parties, lines, taxes, totals and what is due', async () => {
    const text = linesOfPdf(await renderPdf(invoiceDocument(storedInvoiceFor(2), parties)))
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
    const text = linesOfPdf(await renderPdf(invoiceDocument(storedInvoiceFor(500), parties)))
    const pages = Number(/Page 1 of (\d+)/.exec(text)?.[1])
    expect(pages).toBeGreaterThan(10)
    expect(text).toContain(`Page ${pages} of ${pages}`)
    expect(text.match(/^Invoice 2026-000042$/gm)).toHaveLength(pages - 1)
    expect(text.match(/Quantity/g)?.length).toBeGreaterThanOrEqual(pages - 1)
    expect(text).toContain('Line 500')
  })

  it('shows the scripts of the world, and gives their text back', async () => {
    const names = [
      'Łódź Přílis Őrség İstanbul',
      'Αθήνα Ἀθῆναι',
      'Общество «Ромашка» Ґє',
      'Công ty Trách nhiệm Hữu hạn Nguyễn',
      '株式会社データ・ラボ',
      '北京数据科技 臺灣數據',
      '주식회사 데이터랩',
      'บริษัท',
      '₹ ₽ € £ ¥ ₩ ₫ ₪ ₺ ₴ → ∞ ✓',
    ]
    const backwards = ['חברה', 'שדרות']
    const document = invoiceDocument(invoiceOf([...names, ...backwards, 'بیت ٢٠٢٦', 'डेटा']), parties)
    const text = linesOfPdf(await renderPdf(document))
    for (const name of names) expect(text).toContain(name)
    for (const name of backwards) expect(text).toContain(Array.from(name).toReversed().join(''))
    expect(text).toContain('٢٠٢٦')
    expect(text).toContain('डेटा')
    expect(text).not.toContain('[U+')
  })

  it('has in the place of a character that no font has its code point, and says so', async () => {
    const buyer = { ...parties.buyer, name: 'Łódź 😀 \u{1d518}' }
    const text = linesOfPdf(await renderPdf(invoiceDocument(storedInvoiceFor(1), { ...parties, buyer })))
    expect(text).toContain('Łódź [U+1F600] [U+1D518]')
    expect(text).toContain('A code such as [U+1F600] stands for a character that no font of this file has.')
  })

  it.each(['JPY', 'EUR', 'KWD', 'CLF'])(
    'lets no text lie on other text, amounts of %s included',
    async (currency) => {
      const amount = -999_999_999_999_999n
      const invoice = invoiceOf(hostile)
      const lines = invoice.lines.map((line) => ({
        ...line,
        amount,
        quantity: `-${'123456789'.repeat(2)}.123456789012`,
      }))
      const document = invoiceDocument(
        { ...invoice, currency, lines, total: amount, subtotal: amount },
        parties,
      )
      const texts = readPdf(await renderPdf(document))
      for (const { x, y } of texts) {
        expect(x).toBeGreaterThan(49)
        expect(x).toBeLessThan(546)
        expect(y).toBeGreaterThan(25)
        expect(y).toBeLessThan(842 - 50)
      }
      const places = texts.filter(({ text }) => /\S/.test(text)).map(({ page, x, y }) => `${page} ${x} ${y}`)
      expect(new Set(places).size).toBe(places.length)
      expect(texts.map(({ text }) => text).join('')).toContain('W'.repeat(20))
    },
  )
})

describe('an invoice as PDF, made in the thread for it', () => {
  it('is the same as made here, several at once too', async () => {
    const documents = [1, 2, 3].map((lines) => invoiceDocument(storedInvoiceFor(lines), parties))
    const made = await Promise.all(documents.map(renderInThread))
    for (const [place, document] of documents.entries())
      expect(Buffer.compare(made[place] ?? new Uint8Array(), await renderPdf(document))).toBe(0)
  })

  it('is refused alone if it cannot be made', async () => {
    const document = invoiceDocument(storedInvoiceFor(1), parties)
    const [broken, other] = await Promise.allSettled([
      renderInThread({ ...document, at: new Date(Number.NaN) }),
      renderInThread(document),
    ])
    expect([broken.status, other.status]).toEqual(['rejected', 'fulfilled'])
  })
})

describe('an invoice as HTML', () => {
  it('groups digits and gives each currency its decimals, in sums, quantities, prices and taxes', () => {
    const lines = storedInvoiceFor(1).lines.map((line) => ({
      ...line,
      quantity: '1234567.5',
      amount: -1234567n,
    }))
    const htmlIn = (currency: string) =>
      renderHtml(invoiceDocument({ ...storedInvoiceFor(1), lines, currency, total: 1000n }, parties))
    expect(htmlIn('EUR')).toContain('>1\u00a0234\u00a0567.5<')
    expect(htmlIn('EUR')).toContain('>-12\u00a0345.67 EUR<')
    expect(htmlIn('JPY')).toContain('>-1\u00a0234\u00a0567 JPY<')
    expect(htmlIn('KWD')).toContain('>-1\u00a0234.567 KWD<')
    expect(htmlIn('JPY')).toContain('>1\u00a0000 JPY<')
  })

  it('loads nothing, and shows control characters and overrides of direction as what they are', () => {
    const html = renderHtml(invoiceDocument(invoiceOf(hostile), parties))
    expect(html).not.toMatch(/(?:src|href|url\(|@import|https?:)/)
    expect(html).toContain('a[U+202E]override[U+202C] and [U+0007] bell')
    expect(html).toContain('A code such as [U+0007] stands for a control character.')
    expect(html).toContain('👩‍👩‍👧')
  })

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
    expect(html).toContain('<small>10 × 1.00 = 10.00</small>')
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
    '29.997 rounded half away from zero = 30.00',
    '30.00 for 1\u00a0702\u00a0800 of 2\u00a0592\u00a0000 seconds (19.71 of 30 days) of the period = 19.71, rounded half away from zero',
    'taken back',
  ])
})
