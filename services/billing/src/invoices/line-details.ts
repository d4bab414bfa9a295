import { formatDecimal, money, multiplyDecimals, parseDecimal, toMajor } from '@tallystick/money'
import { explanation } from '@tallystick/pricing'
import type { Explanation, Step } from '@tallystick/pricing'
import type { StoredLine } from './collections.ts'

type Share = NonNullable<Explanation['proration']>

const mostDetails = 12

/** How a line came about, in words: units, prices, tiers, the share of the period, roundings. */
export function lineDetails({ explanation: text }: Pick<StoredLine, 'explanation'>): string[] {
  if (text === undefined) return []
  const told = explanation.parse(JSON.parse(text))
  const details = [
    ...told.steps.flatMap((step) => stepOf(step, told.currency)),
    ...roundedOf(told, formatDecimal(toMajor(money(BigInt(told.amount), told.currency)))),
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

function stepOf(step: Step, currency: string): string[] {
  switch (step.step) {
    case 'aggregate':
      return []
    case 'included':
      return step.included === '0' ? [] : [`${step.included} included`]
    case 'packages':
      return [`${step.packages} packages of ${step.size}`]
    case 'commitment': {
      const of = step.proration ? ` (${shareOf(step.proration)} of ${step.full ?? ''})` : ''
      return [`minimum of ${step.committed} ${currency}${of}, ${step.charged} used`]
    }
    case 'rounded':
      return roundedOf(step, step.amount)
    default:
      return [chargeOf(step)]
  }
}

function chargeOf({
  of,
  from,
  to,
  quantity,
  unit_amount: unit,
  factor,
  subtotal,
}: Extract<Step, { step: 'charge' }>): string {
  const tier =
    from === undefined && to === undefined ? '' : ` (from ${from ?? '0'} to ${to === 'inf' ? '∞' : to})`
  const times = factor === undefined ? '' : ` × ${factor}`
  if (of === 'share') return `${percentage(unit)} of ${quantity}${times} = ${subtotal}${tier}`
  if (of === 'units' || of === 'packages') return `${quantity} × ${unit}${times} = ${subtotal}${tier}`
  return `${of.replace('_', ' ')}: ${subtotal}${tier}`
}

/** The share of the period and the rounding, where there is one. */
function roundedOf(
  { exact, proration, rounding }: Pick<Explanation, 'exact' | 'proration' | 'rounding'>,
  major: string,
): string[] {
  const magnitude = major.replace('-', '')
  const how = `rounded ${rounding.replaceAll('_', ' ')}`
  if (proration) return [`${exact} for ${shareOf(proration)} of the period = ${magnitude}, ${how}`]
  return exact === magnitude ? [] : [`${exact} ${how} = ${magnitude}`]
}

function shareOf({ numerator, denominator, part, whole }: Share): string {
  if (!part || !whole) return `${numerator}/${denominator}`
  const [seconds, all] = [numerator, denominator].map((ms) =>
    formatDecimal({ mantissa: BigInt(ms), scale: 3 }),
  )
  return `${seconds} of ${all} seconds (${daysOf(numerator)} of ${daysOf(denominator)} days)`
}

function daysOf(ms: string): string {
  return String(Math.round((Number(ms) / 86_400_000) * 100) / 100)
}
