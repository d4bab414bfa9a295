import type { StoredInvoice } from './find-invoice.ts'

const period = { start: new Date('2026-01-01T00:00:00Z'), end: new Date('2026-02-01T00:00:00Z') }
const at = new Date('2026-01-31T12:00:00Z')

/** An open invoice of so many lines of 10.00 EUR each with 19% of VAT, as it would be stored. */
export function storedInvoiceFor(
  lines: number,
  { description = 'Line', footer }: { description?: string; footer?: string } = {},
): StoredInvoice {
  const subtotal = BigInt(lines) * 1000n
  const tax = BigInt(lines) * 190n
  const ids = Array.from({ length: lines }, (_, place) => `line_${place + 1}`)
  const explanation = JSON.stringify({
    currency: 'EUR',
    steps: [
      { step: 'aggregate', quantity: '10' },
      { step: 'charge', of: 'units', quantity: '10', unit_amount: '1', subtotal: '10' },
    ],
    exact: '10',
    rounding: 'half_away_from_zero',
    amount: '1000',
  })
  return {
    id: 'inv_01kqxq5t8r0000000000000000',
    tenant: 'acct_t',
    customer: 'cus_01kqxq5t8r0000000000000000',
    currency: 'EUR',
    status: 'open',
    number: '2026-000042',
    lines: ids.map((id, place) => ({
      id,
      kind: 'manual',
      description: `${description} ${place + 1}`,
      quantity: '10',
      amount: 1000n,
      period,
      explanation,
    })),
    subtotal,
    taxes: [
      {
        name: 'VAT',
        jurisdiction: 'DE',
        rate: '0.19',
        inclusive: false,
        base: subtotal,
        amount: tax,
        lines: ids.map((line) => ({ line, base: 1000n, amount: 190n })),
      },
      {
        name: 'VAT',
        jurisdiction: 'FR',
        rate: '0',
        inclusive: false,
        base: 0n,
        amount: 0n,
        lines: [],
        note: 'Reverse charge: the recipient owes the tax',
      },
    ],
    taxTotal: tax,
    total: subtotal + tax,
    creditsApplied: 0n,
    amountDue: subtotal + tax,
    amountPaid: 0n,
    amountRefunded: 0n,
    amountCredited: 0n,
    period,
    finalizedAt: at,
    dueAt: new Date('2026-02-14T12:00:00Z'),
    ...(footer !== undefined && { footer }),
    metadata: {},
    attempts: 0,
    createdAt: at,
    auditId: 'aud_x',
  }
}
