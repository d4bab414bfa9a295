import { formatDecimal } from './decimal.ts'
import { currency } from './currency.ts'
import { type Money, toMajor } from './money.ts'

/** The same text everywhere, for logs and exports: `"125.50 USD"`, `"-3 JPY"`. */
export function formatMoney(value: Money): string {
  return `${formatDecimal(toMajor(value), currency(value.currency).exponent)} ${value.currency}`
}

/** The same with its digits in groups, for documents that people read: `"1 234 567.80 USD"`, `"-1 234 JPY"`. */
export function readableMoney(value: Money): string {
  const { exponent } = currency(value.currency)
  return `${readableDecimal(formatDecimal(toMajor(value), exponent))} ${value.currency}`
}

/**
 * A decimal's text for readers of any language: whole digits in groups of three between no-break spaces, a point before
 * the fraction (ISO 80000-1, 7.3), and at least `minimumScale` digits of that.
 */
export function readableDecimal(text: string, minimumScale = 0): string {
  const [whole = '', fraction = ''] = text.split('.')
  const digits = fraction.padEnd(minimumScale, '0')
  return `${whole.replaceAll(/(?<=\d)(?=(?:\d{3})+$)/g, '\u00a0')}${digits === '' ? '' : `.${digits}`}`
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
