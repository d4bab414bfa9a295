import {
  currency,
  formatDecimal,
  money,
  multiplyDecimals,
  parseDecimal,
  readableDecimal,
  toMajor,
} from '@tallystick/money'
import { explanation } from '@tallystick/pricing'
import type { Explanation, Step } from '@tallystick/pricing'
import type { StoredLine } from './collections.ts'

type Charge = Extract<Step, { step: 'charge' }>
type Share = NonNullable<Explanation['proration']>

const mostDetails = 12

/** How a line came about, in words: units, prices, tiers, the share of the period, roundings. */
export function lineDetails({ explanation: text }: Pick<StoredLine, 'explanation'>): string[] {
  if (text === undefined) return []
  const told = explanation.parse(JSON.parse(text))
  const details = [
    ...told.steps.flatMap((step) => stepOf(step, told.currency)),
    ...roundedOf(told, formatDecimal(toMajor(money(BigInt(told.amount), told.currency))), told.currency),
    ...(told.reversal ? ['taken back'] : []),
  ]
  // A matrix of prices has hundreds; the API tells them all.
  return details.length > mostDetails
    ? [...details.slice(0, mostDetails - 1), `and ${details.length - mostDetails + 1} steps more`]
    : details
}

/** A rate such as `0.19` as `19%`. */
export function percentage(rate: string): string {
  return `${formatDecimal(multiplyDecimals(parseDecimal(rate), { mantissa: 100n, scale: 0 }))}%`
}

/** Major units with at least the digits of their currency; prices may have more. */
const priceIn = (code: string) => (text: string) => readableDecimal(text, currency(code).exponent)

function stepOf(step: Step, code: string): string[] {
  const price = priceIn(code)
  switch (step.step) {
    case 'aggregate':
      return []
    case 'included':
      return step.included === '0' ? [] : [`${readableDecimal(step.included)} included`]
    case 'packages':
      return [`${readableDecimal(step.packages)} packages of ${readableDecimal(step.size)}`]
    case 'commitment': {
      const of = step.proration ? ` (${shareOf(step.proration)} of ${price(step.full ?? '')})` : ''
      return [`minimum of ${price(step.committed)} ${code}${of}, ${price(step.charged)} used`]
    }
    case 'rounded':
      return roundedOf(step, step.amount, code)
    default:
      return [chargeOf(step, price)]
  }
}

function chargeOf(
  { of, from = '0', to, quantity, unit_amount: unit, factor, subtotal: sum }: Charge,
  price: (text: string) => string,
): string {
  const subtotal = price(sum)
  const tier =
    to === undefined ? '' : ` (from ${readableDecimal(from)} to ${to === 'inf' ? '∞' : readableDecimal(to)})`
  const times = factor === undefined ? '' : ` × ${factor}`
  if (of === 'share') return `${percentage(unit)} of ${price(quantity)}${times} = ${subtotal}${tier}`
  if (of === 'units' || of === 'packages')
    return `${readableDecimal(quantity)} × ${price(unit)}${times} = ${subtotal}${tier}`
  return `${of.replace('_', ' ')}: ${subtotal}${tier}`
}

/** The share of the period and the rounding, where there is one. */
function roundedOf(
  { exact, proration, rounding }: Pick<Explanation, 'exact' | 'proration' | 'rounding'>,
  major: string,
  code: string,
): string[] {
  const price = priceIn(code)
  const magnitude = major.replace('-', '')
  const how = `rounded ${rounding.replaceAll('_', ' ')}`
  if (proration)
    return [`${price(exact)} for ${shareOf(proration)} of the period = ${price(magnitude)}, ${how}`]
  return exact === magnitude ? [] : [`${price(exact)} ${how} = ${price(magnitude)}`]
}

function shareOf({ numerator, denominator, part, whole }: Share): string {
  if (!part || !whole) return `${numerator}/${denominator}`
  const [seconds, all] = [numerator, denominator].map((ms) =>
    readableDecimal(formatDecimal({ mantissa: BigInt(ms), scale: 3 })),
  )
  return `${seconds} of ${all} seconds (${daysOf(numerator)} of ${daysOf(denominator)} days)`
}

function daysOf(ms: string): string {
  return String(Math.round((Number(ms) / 86_400_000) * 100) / 100)
}
