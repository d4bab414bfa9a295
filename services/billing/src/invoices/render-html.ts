import type { InvoiceDocument } from './invoice-document.ts'

const style = `
body{font:14px/1.45 system-ui,sans-serif;color:#1a1a1a;max-width:52rem;margin:2rem auto;padding:0 1.5rem}
h1{font-size:1.7rem;margin:0 0 1.5rem}
.parties{display:flex;gap:3rem;margin-bottom:1.5rem}.parties div{flex:1}
h2{font-size:.8rem;color:#666;margin:0 0 .3rem;font-weight:600}
p{margin:0}
p,td,small,footer{unicode-bidi:plaintext;text-align:left;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:1.2rem 0}
th{text-align:left;font-weight:600;border-bottom:1px solid #1a1a1a}
th,td{padding:.4rem .8rem .4rem 0;vertical-align:top}
tbody tr{border-bottom:1px solid #ddd}
td.n,.n{text-align:right;overflow-wrap:normal;padding-right:0;font-variant-numeric:tabular-nums;white-space:nowrap}
small{display:block;color:#666}
.facts th{border:0;width:10rem;color:#666}.facts tr{border:0}.facts th,.facts td{padding:.1rem 0}
.totals{width:24rem;max-width:100%;margin-left:auto}.totals tr:last-child{border-top:2px solid #1a1a1a;font-weight:700}
footer{margin-top:2rem;color:#666;white-space:pre-wrap}
@media print{body{margin:0;max-width:none}thead{display:table-header-group}tr{break-inside:avoid}}
`

/** An invoice as one page of HTML that loads and runs nothing. Whatever stands in it is text. */
export function renderHtml(document: InvoiceDocument): string {
  const { title, fileName, facts, lines, totals, state, taxes, notes, payments, footer } = document
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${escaped(`${title} ${fileName}`)}</title>`,
    `<meta name="viewport" content="width=device-width"><style>${style}</style></head><body>`,
    `<h1>${escaped(title)}</h1>`,
    `<div class="parties">${party('From', document.seller)}${party('Bill to', document.buyer)}</div>`,
    `<table class="facts"><tbody>${facts.map(([label, value]) => `<tr><th scope="row">${escaped(label)}</th><td>${escaped(value)}</td></tr>`).join('')}</tbody></table>`,
    '<table><thead><tr><th>Description</th><th>Period</th><th class="n">Quantity</th><th class="n">Amount</th></tr></thead><tbody>',
    ...lines.map(
      ({ description, details, period, quantity, amount }) =>
        `<tr><td>${escaped(description)}${details.map((detail) => `<small>${escaped(detail)}</small>`).join('')}</td>` +
        `<td>${escaped(period)}</td><td class="n">${escaped(quantity)}</td><td class="n">${escaped(amount)}</td></tr>`,
    ),
    '</tbody></table>',
    `<table class="totals"><tbody>${[...totals, state].map(([label, value]) => `<tr><td>${escaped(label)}</td><td class="n">${escaped(value)}</td></tr>`).join('')}</tbody></table>`,
    ...(taxes.length > 0 ? [taxTable(taxes)] : []),
    section('Notes', notes),
    section('Payments', payments),
    ...(footer === undefined ? [] : [`<footer>${escaped(footer)}</footer>`]),
    '</body></html>',
    '',
  ].join('\n')
}

function taxTable(taxes: InvoiceDocument['taxes']): string {
  const rows = taxes.map(
    ({ name, rate, base, amount }) =>
      `<tr><td>${escaped(name)}</td><td class="n">${escaped(rate)}</td><td class="n">${escaped(base)}</td><td class="n">${escaped(amount)}</td></tr>`,
  )
  const head = '<th>Tax</th><th class="n">Rate</th><th class="n">Taxable</th><th class="n">Tax amount</th>'
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function party(heading: string, lines: readonly string[]): string {
  return `<div><h2>${heading}</h2>${lines.map((line) => `<p>${escaped(line)}</p>`).join('')}</div>`
}

function section(heading: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `<h2>${heading}</h2>${lines.map((line) => `<p>${escaped(line)}</p>`).join('')}`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}
