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
  /** A part of the country, and after slashes parts of that: `QC`, `CA/Alameda`. */
  region: string | undefined
  treatment: 'taxable' | 'exempt' | 'reverse_charge'
  taxId: string | undefined
  at: Date
}

/** One tax of an invoice at one rate, with what it was taken from. A line may bear several. */
export interface TaxLine {
  name: string
  jurisdiction: string
  /** An exact decimal: `"0.19"`. */
  rate: string
  inclusive: boolean
  base: bigint
  amount: bigint
  /** The lines that bear it, with their parts of base and amount. */
  lines: { line: string; base: bigint; amount: bigint }[]
  /** What the invoice must say, such as that the recipient owes the tax. */
  note?: string
}

/** Whatever knows taxes. Pure for one version of its table: the same invoice gives the same taxes. */
export interface TaxCalculator {
  calculate(lines: readonly TaxableLine[], situation: TaxSituation): TaxLine[]
}
