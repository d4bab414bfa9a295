/** A line as taxes see it. */
export interface TaxableLine {
  id: string
  /** Minor units; before tax, or with it where the table says that prices include it. */
  amount: bigint
  taxCode: string | undefined
}

/** Who is taxed, where, when, and in which currency. */
export interface TaxSituation {
  currency: string
  country: string | undefined
  treatment: 'taxable' | 'exempt' | 'reverse_charge'
  taxId: string | undefined
  at: Date
}

/** One tax of an invoice, with what it was taken from. */
export interface TaxLine {
  name: string
  jurisdiction: string
  /** An exact decimal: `"0.19"`. */
  rate: string
  inclusive: boolean
  base: bigint
  amount: bigint
  /** What the invoice must say, such as that the recipient owes the tax. */
  note?: string
}

/** Whatever knows taxes. Pure for one version of its table: the same invoice gives the same taxes. */
export interface TaxCalculator {
  calculate(lines: readonly TaxableLine[], situation: TaxSituation): TaxLine[]
}
