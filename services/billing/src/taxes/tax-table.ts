import {
  addDecimals,
  divideDecimals,
  formatDecimal,
  multiplyDecimals,
  parseDecimal,
  roundDecimal,
} from '@tallystick/money'
import { z } from 'zod'
import type { TaxableLine, TaxCalculator, TaxLine, TaxSituation } from './tax-calculator.ts'

const share = z.string().regex(/^0(\.[0-9]{1,6})?$/, 'must be a decimal below 1 such as "0.19"')

/** Taxes by country, as an operator writes them down. */
export const taxTable = z.strictObject({
  /** Whether prices already include the tax. */
  inclusive: z.boolean().default(false),
  /** Rounded for each line, or once for the invoice. */
  rounding: z.enum(['line', 'invoice']).default('line'),
  rates: z
    .array(
      z.strictObject({
        country: z.string().regex(/^[A-Z]{2}$/),
        name: z.string().min(1).max(50),
        rate: share,
        /** Rates of tax codes that differ from the general one. */
        codes: z.record(z.string().max(64), share).default({}),
        /** Whether a business of another country, with a tax id, owes the tax itself. */
        reverse_charge: z.boolean().default(false),
        /** The rate holds in `[from, before)`. */
        from: z.coerce.date().optional(),
        before: z.coerce.date().optional(),
      }),
    )
    .max(1000)
    .default([]),
})
export type TaxTable = z.infer<typeof taxTable>

type Rate = TaxTable['rates'][number]

/** Taxes from a table: one tax of the customer's country, with a rate for each tax code. Without a row there is none. */
export function tableTaxes(table: TaxTable): TaxCalculator {
  return {
    calculate(lines, situation) {
      const rate = table.rates.find((row) => holds(row, situation))
      if (!rate || situation.treatment === 'exempt') return []
      if (owesItself(rate, situation)) return lines.length === 0 ? [] : [reverseCharge(rate, lines)]
      const byRate = Map.groupBy(lines, ({ taxCode }) => rateOf(rate, taxCode))
      return [...byRate].map(([percentage, taxed]) => taxOf(table, rate, percentage, taxed))
    },
  }
}

function holds(row: Rate, { country, at }: TaxSituation): boolean {
  const { from, before } = row
  return row.country === country && (!from || from <= at) && (!before || at < before)
}

/** The rate of a tax code in its shortest form: `0.190` and `0.19` are one rate, rounded together. */
function rateOf(row: Rate, taxCode: string | undefined): string {
  const ofCode = taxCode !== undefined && Object.hasOwn(row.codes, taxCode) ? row.codes[taxCode] : undefined
  return formatDecimal(parseDecimal(ofCode ?? row.rate))
}

function owesItself(row: Rate, { treatment, taxId }: TaxSituation): boolean {
  return row.reverse_charge && treatment === 'reverse_charge' && taxId !== undefined
}

function reverseCharge(row: Rate, lines: readonly TaxableLine[]): TaxLine {
  return {
    name: row.name,
    jurisdiction: row.country,
    rate: '0',
    inclusive: false,
    base: sumOf(lines),
    amount: 0n,
    note: 'Reverse charge: the recipient owes the tax',
  }
}

function taxOf(
  { inclusive, rounding }: TaxTable,
  row: Rate,
  rate: string,
  lines: readonly TaxableLine[],
): TaxLine {
  const gross = sumOf(lines)
  const parts = rounding === 'line' ? lines.map(({ amount }) => amount) : [gross]
  const amount = parts.reduce((sum, part) => sum + taxIn(part, rate, inclusive), 0n)
  const base = inclusive ? gross - amount : gross
  return { name: row.name, jurisdiction: row.country, rate, inclusive, base, amount }
}

function sumOf(lines: readonly TaxableLine[]): bigint {
  return lines.reduce((sum, { amount }) => sum + amount, 0n)
}

/** The tax on, or within, an amount of minor units; half away from zero. */
function taxIn(amount: bigint, rate: string, inclusive: boolean): bigint {
  const exact = multiplyDecimals({ mantissa: amount, scale: 0 }, parseDecimal(rate))
  if (!inclusive) return roundDecimal(exact, 0).mantissa
  const whole = addDecimals({ mantissa: 1n, scale: 0 }, parseDecimal(rate))
  return divideDecimals(exact, whole, 0).mantissa
}
