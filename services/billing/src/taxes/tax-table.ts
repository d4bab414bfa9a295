import { divideDecimals, formatDecimal, parseDecimal } from '@tallystick/money'
import { z } from 'zod'
import type { TaxableLine, TaxCalculator, TaxLine, TaxSituation } from './tax-calculator.ts'
import { country, region } from './tax-place.ts'

const share = z.string().regex(/^0(\.[0-9]{1,6})?$/, 'must be a decimal below 1 such as "0.19"')

const tax = z.strictObject({
  name: z.string().min(1).max(50),
  /** Whose tax it is, as invoices name it; the row's country unless told. */
  jurisdiction: z.string().min(1).max(50).optional(),
  rate: share,
  /** Rates of tax codes that differ from the general one. */
  codes: z.record(z.string().max(64), share).default({}),
  compound: z.undefined('a tax on a tax is not supported: give the rate on the price').optional(),
})

/** Taxes by place, as an operator writes them down. */
export const taxTable = z.strictObject({
  /** Whether prices already include the taxes. */
  inclusive: z.boolean().default(false),
  /** Each tax is rounded for each line, or once for the invoice. */
  rounding: z.enum(['line', 'invoice']).default('line'),
  rates: z
    .array(
      z.strictObject({
        country,
        /** A part of the country; without it, all of it. */
        region: region.optional(),
        /** All that a line there bears. */
        taxes: z.array(tax).max(10),
        /** Whether a business of another country, with a tax id, owes the taxes itself. */
        reverse_charge: z.boolean().default(false),
        /** The taxes hold in `[from, before)`. */
        from: z.coerce.date().optional(),
        before: z.coerce.date().optional(),
      }),
    )
    .max(10_000)
    .default([]),
})
export type TaxTable = z.infer<typeof taxTable>

type Row = TaxTable['rates'][number]
type Tax = Row['taxes'][number]

/** Taxes from a table: those of the first row that holds, each with a rate for each tax code. Without a row there is none. */
export function tableTaxes(table: TaxTable): TaxCalculator {
  return {
    calculate(lines, situation) {
      const row = table.rates.find((one) => holds(one, situation))
      if (!row || lines.length === 0 || situation.treatment === 'exempt') return []
      return owesItself(row, situation) ? reverseCharge(row, lines) : taxesOf(table, row, lines)
    },
  }
}

function holds({ from, before, ...row }: Row, { at, ...place }: TaxSituation): boolean {
  const isThere =
    row.country === place.country &&
    (row.region === undefined || `${place.region}/`.startsWith(`${row.region}/`))
  return isThere && (!from || from <= at) && (!before || at < before)
}

function owesItself(row: Row, { treatment, taxId }: TaxSituation): boolean {
  return row.reverse_charge && treatment === 'reverse_charge' && taxId !== undefined
}

function reverseCharge(row: Row, lines: readonly TaxableLine[]): TaxLine[] {
  const parts = lines.map(({ id, amount }) => ({ line: id, base: amount, amount: 0n }))
  const note = 'Reverse charge: the recipient owes the tax'
  return row.taxes.map((one) => ({ ...taxLine(row, one, { rate: 0n, inclusive: false, parts }), note }))
}

// Rates are counted in millionths: `0.190` and `0.19` are one rate, rounded together.
const digits = 6
const one = 10n ** BigInt(digits)

/** A line with its rates, one of each tax of its row, in millionths of the price before tax. */
interface Taxed extends TaxableLine {
  rates: Map<Tax, bigint>
  /** Of what the rates are shares: of a price before tax, or of one that includes all of them. */
  whole: bigint
}

function taxesOf({ inclusive, rounding }: TaxTable, row: Row, lines: readonly TaxableLine[]): TaxLine[] {
  const taxed = lines.map((line): Taxed => {
    const rates = new Map(row.taxes.map((each) => [each, rateOf(each, line.taxCode)]))
    const whole = inclusive ? [...rates.values()].reduce((sum, rate) => sum + rate, one) : one
    return { ...line, rates, whole }
  })
  const groups = row.taxes.flatMap((each) =>
    [...Map.groupBy(taxed, ({ rates }) => rates.get(each) ?? 0n)].map(([rate, bearing]) => ({
      each,
      rate,
      amounts: amountsOf(bearing, rate, rounding),
    })),
  )
  const included = (line: Taxed) => groups.reduce((sum, { amounts }) => sum + (amounts.get(line) ?? 0n), 0n)
  return groups.map(({ each, rate, amounts }) => {
    const parts = [...amounts].map(([line, amount]) => ({
      line: line.id,
      base: inclusive ? line.amount - included(line) : line.amount,
      amount,
    }))
    return taxLine(row, each, { rate, inclusive, parts })
  })
}

function rateOf(each: Tax, taxCode: string | undefined): bigint {
  const ofCode = taxCode !== undefined && Object.hasOwn(each.codes, taxCode) ? each.codes[taxCode] : undefined
  const { mantissa, scale } = parseDecimal(ofCode ?? each.rate)
  return mantissa * 10n ** BigInt(digits - scale)
}

/**
 * The tax of one rate on each line, half away from zero. Rounded once for all, a line's part is what the sum of the
 * lines up to it comes to more than the sum before it, so that the parts, which may be negative, are the rounded sum.
 */
function amountsOf(
  lines: readonly Taxed[],
  rate: bigint,
  rounding: TaxTable['rounding'],
): Map<Taxed, bigint> {
  const wholes = new Set(lines.map(({ whole }) => whole))
  const common = [...wholes].reduce((product, whole) => product * whole, 1n)
  let exact = 0n
  let before = 0n
  return new Map(
    lines.map((line) => {
      const own = line.amount * rate * (common / line.whole)
      if (rounding === 'line') return [line, rounded(own, common)]
      exact += own
      const upTo = rounded(exact, common)
      const part = upTo - before
      before = upTo
      return [line, part]
    }),
  )
}

function rounded(numerator: bigint, denominator: bigint): bigint {
  return divideDecimals({ mantissa: numerator, scale: 0 }, { mantissa: denominator, scale: 0 }, 0).mantissa
}

function taxLine(
  row: Row,
  { name, jurisdiction = row.country }: Tax,
  { rate, inclusive, parts }: { rate: bigint; inclusive: boolean; parts: TaxLine['lines'] },
): TaxLine {
  return {
    name,
    jurisdiction,
    rate: formatDecimal({ mantissa: rate, scale: digits }),
    inclusive,
    base: parts.reduce((sum, { base }) => sum + base, 0n),
    amount: parts.reduce((sum, { amount }) => sum + amount, 0n),
    lines: parts,
  }
}
