import { formatDecimal } from './decimal.ts'
import { currency } from './currency.ts'
import { type Money, toMajor } from './money.ts'

/** The same text everywhere, for logs, exports and documents: `"125.50 USD"`, `"-3 JPY"`. */
export function formatMoney(value: Money): string {
  return `${formatDecimal(toMajor(value), currency(value.currency).exponent)} ${value.currency}`
}

/** The amount as readers of a locale (BCP 47) write it: `"125,50 €"` in de-DE. Digits are those of ISO 4217. */
export function displayMoney(value: Money, locale: string): string {
  const { exponent } = currency(value.currency)
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: value.currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  })
  // Text, not a number: a double would change amounts beyond 2^53.
  return format.format(formatDecimal(toMajor(value), exponent) as Intl.StringNumericLiteral)
}
