import type { Deps } from '../deps.ts'
import type { Customer } from '../customers/find-customer.ts'
import type { StoredInvoice } from './find-invoice.ts'

/** What an invoice comes to: its lines, and the taxes that the lines do not already include. */
export type Totals = Pick<StoredInvoice, 'subtotal' | 'taxes' | 'taxTotal' | 'total'>

/**
 * The totals of an invoice's lines for a customer at a moment. Inclusive taxes are told but add nothing: they are
 * within the lines. A negative total stays negative here; finalizing turns it into credit.
 */
export function totalsOf(
  { taxes: calculator }: Pick<Deps, 'taxes'>,
  lines: StoredInvoice['lines'],
  { customer, at }: { customer: Customer; at: Date },
): Totals {
  const subtotal = lines.reduce((sum, { amount }) => sum + amount, 0n)
  const taxes = calculator.calculate(
    lines.map(({ id, amount, taxCode }) => ({ id, amount, taxCode })),
    {
      currency: customer.currency,
      country: customer.country,
      region: customer.region,
      treatment: customer.taxTreatment,
      taxId: customer.taxId,
      at,
    },
  )
  const taxTotal = taxes.reduce((sum, { amount }) => sum + amount, 0n)
  const added = taxes.reduce((sum, { amount, inclusive }) => (inclusive ? sum : sum + amount), 0n)
  return { subtotal, taxes, taxTotal, total: subtotal + added }
}
