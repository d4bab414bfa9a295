import {
  compareDecimals,
  formatDecimal,
  type Money,
  money,
  parseDecimal,
  subtractDecimals,
  sumMoney,
  toMajor,
} from '@tallystick/money'
import { chargeSteps } from './charge-steps.ts'
import { explainAmount, roundShare, writeShare } from './explain-amount.ts'
import type { Share } from './share.ts'
import type { Explanation, Step } from './explanation.ts'
import type { Charge, MatrixPrice, Price } from './price.ts'
import { PricingError } from './pricing-error.ts'
import { chargeStep, one } from './steps.ts'
import { type Dimensions, type LineUsage, splitUsage, type Usage } from './usage.ts'
import { zero } from '@tallystick/money'

/** One line of a quote or an invoice. A reversal repeats the line that it takes back, with the opposite amount. */
export interface RatedLine {
  readonly kind: 'flat' | 'seat' | 'usage' | 'true_up' | 'overage'
  /** What the meter gave, as an exact decimal: units, or major units of the amount that a percentage is taken of. */
  readonly quantity: string
  /** The row of a matrix that this line was charged by; empty for its default. */
  readonly dimensions?: Dimensions
  readonly reversal?: true
  readonly amount: Money
  readonly explanation: Explanation
}

/** Lines and their sum. */
export interface Rating {
  readonly lines: readonly RatedLine[]
  readonly total: Money
}

/** What else bears on a rating: the share of the period that flat amounts, seats and commitments are due for. */
export interface RatingContext {
  readonly proration?: Share
}

/**
 * What usage costs, for quotes and invoices alike. Each line is exact until it is rounded once, and explains itself.
 * Throws PricingError for usage that the price cannot take.
 */
export function rateUsage(price: Price, usage: Usage, context: RatingContext = {}): Rating {
  const lines = price.model === 'matrix' ? matrixLines(price, usage) : [singleLine(price, usage, context)]
  const charged = sumMoney(
    lines.map((line) => line.amount),
    price.currency,
  )
  const commitment = price.commitment ? commitmentLine(price, price.commitment, charged, context) : undefined
  const all = commitment ? [...lines, commitment] : lines
  return {
    lines: all,
    total: sumMoney(
      all.map((line) => line.amount),
      price.currency,
    ),
  }
}

type SinglePrice = Exclude<Price, MatrixPrice>

function singleLine(price: SinglePrice, usage: Usage, context: RatingContext): RatedLine {
  const part = splitUsage(usage, () => 0).get(0) ?? nothing(usage)
  const steps = chargeSteps(price, part, price.currency)
  if (price.model !== 'flat' && price.model !== 'seat')
    return line(price, 'usage', quantityOf(price, part), steps)
  return line(price, price.model, quantityOf(price, part), steps, context.proration)
}

function matrixLines(price: MatrixPrice, usage: Usage): RatedLine[] {
  const parts = splitUsage(usage, (dimensions) => rowOf(price, dimensions))
  return [...parts]
    .sort(([a], [b]) => a - b)
    .map(([position, part]) => {
      const row = price.rows[position]
      const charge = row?.charge ?? price.default
      if (!charge) throw new PricingError('no_price_for_dimensions', 'the matrix has no default row')
      const rated = line(price, 'usage', quantityOf(charge, part), chargeSteps(charge, part, price.currency))
      return { ...rated, dimensions: row?.match ?? {} }
    })
}

/** The position of the row that these dimensions fall into; that of the default lies after all others. */
function rowOf(price: MatrixPrice, dimensions: Dimensions): number {
  const position = price.rows.findIndex(({ match }) =>
    Object.entries(match).every(
      ([name, value]) => Object.hasOwn(dimensions, name) && dimensions[name] === value,
    ),
  )
  if (position >= 0) return position
  if (price.default) return price.rows.length
  const values = price.dimensions.map((name) => `${name}=${dimensions[name] ?? '(none)'}`).join(', ')
  throw new PricingError('no_price_for_dimensions', `no row of the price covers ${values}`)
}

/** What is missing to the commitment, or the surcharge on what lies above it; none when neither is due. */
function commitmentLine(
  price: Price,
  { amount, overage_factor: factor }: NonNullable<Price['commitment']>,
  charged: Money,
  context: RatingContext,
): RatedLine | undefined {
  const full = toMajor(money(BigInt(amount), price.currency))
  const committed = toMajor(
    money(roundShare(full, price.currency, price.rounding.mode, context.proration), price.currency),
  )
  const missing = subtractDecimals(committed, toMajor(charged))
  const step: Step = {
    step: 'commitment',
    committed: formatDecimal(committed),
    charged: formatDecimal(toMajor(charged)),
    ...(context.proration && { full: formatDecimal(full), proration: writeShare(context.proration) }),
  }
  if (compareDecimals(missing, zero) > 0)
    return line(price, 'true_up', '1', [step, chargeStep('true_up', missing, one)])
  if (factor === undefined || compareDecimals(missing, zero) === 0) return undefined
  // The lines hold what lies above once already; the surcharge is the rest of the factor.
  const surcharge = subtractDecimals(parseDecimal(factor), one)
  const above = subtractDecimals(zero, missing)
  return line(price, 'overage', '1', [step, chargeStep('overage', above, surcharge)])
}

function line(
  price: Price,
  kind: RatedLine['kind'],
  quantity: string,
  steps: readonly Step[],
  proration?: Share,
): RatedLine {
  const { amount, explanation } = explainAmount(steps, price.currency, price.rounding.mode, proration)
  return { kind, quantity, amount: money(amount, price.currency), explanation }
}

function quantityOf(charge: Charge, usage: LineUsage): string {
  if (charge.model === 'flat') return '1'
  const isShare = charge.model === 'percentage' || charge.model === 'graduated_percentage'
  return formatDecimal(isShare ? usage.amount : usage.quantity)
}

function nothing(usage: Usage): LineUsage {
  return 'events' in usage ? { quantity: zero, amount: zero, amounts: [] } : { quantity: zero, amount: zero }
}
