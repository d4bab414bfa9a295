import {
  compareDecimals,
  type Decimal,
  divideDecimals,
  formatDecimal,
  parseDecimal,
  subtractDecimals,
  zero,
} from '@tallystick/money'
import type { Step } from './explanation.ts'
import { percentageSteps } from './percentage-steps.ts'
import type { Charge } from './price.ts'
import { PricingError } from './pricing-error.ts'
import { aggregateStep, chargeStep, flatStep, includedStep, least, positivePart } from './steps.ts'
import { graduatedSteps, type Tier, volumeSteps } from './tier-steps.ts'
import { type LineUsage, requireAmounts } from './usage.ts'

type Model<M extends Charge['model']> = Extract<Charge, { model: M }>

/** The steps by which a charge makes exact amounts of the usage of one line. Throws PricingError where it cannot. */
export function chargeSteps(charge: Charge, usage: LineUsage, currency: string): Step[] {
  const { quantity } = usage
  const aggregate = aggregateStep(quantity, usage.amounts?.length)
  switch (charge.model) {
    case 'flat':
      return [flatStep(charge.amount, currency)]
    case 'percentage':
      return percentageSteps(charge, usage)
    case 'graduated_percentage': {
      requireAmounts(usage)
      const tiers = charge.tiers.map((tier) => toTier('share', tier.up_to, tier.rate, tier.flat_amount))
      return [
        aggregateStep(usage.amount, usage.amounts?.length),
        ...graduatedSteps(tiers, usage.amount, currency),
      ]
    }
    case 'seat':
      requireWhole(quantity)
      return [aggregate, ...unitSteps(charge, quantity)]
    case 'per_unit':
      return [aggregate, ...unitSteps(charge, quantity)]
    case 'package':
      return [aggregate, ...packageSteps(charge, quantity)]
    default:
      return [aggregate, ...tieredSteps(charge, quantity, currency)]
  }
}

function unitSteps(charge: Model<'per_unit' | 'seat'>, quantity: Decimal): Step[] {
  const included = parseDecimal(charge.included ?? '0')
  const unitAmount = parseDecimal(charge.unit_amount)
  const steps = charge.included === undefined ? [] : [includedStep(quantity, included)]
  const billable = positivePart(subtractDecimals(quantity, included))
  if (!charge.overage) return [...steps, chargeStep('units', billable, unitAmount)]

  const after = parseDecimal(charge.overage.after)
  const bound = compareDecimals(after, included) > 0 ? after : included
  const plain = positivePart(subtractDecimals(least(quantity, bound), included))
  const over = positivePart(subtractDecimals(quantity, bound))
  steps.push(chargeStep('units', plain, unitAmount, { from: included, to: bound }))
  if (compareDecimals(over, zero) === 0) return steps
  const factor = parseDecimal(charge.overage.factor)
  return [...steps, chargeStep('units', over, unitAmount, { from: bound, to: 'inf', factor })]
}

function packageSteps(charge: Model<'package'>, quantity: Decimal): Step[] {
  const { steps, billable } = withoutIncluded(charge.included, quantity)
  const packages = divideDecimals(billable, parseDecimal(charge.size), 0, charge.round)
  return [
    ...steps,
    {
      step: 'packages',
      quantity: formatDecimal(billable),
      size: formatDecimal(parseDecimal(charge.size)),
      round: charge.round,
      packages: formatDecimal(packages),
    },
    chargeStep('packages', packages, parseDecimal(charge.unit_amount)),
  ]
}

function tieredSteps(charge: Model<'graduated' | 'volume'>, quantity: Decimal, currency: string): Step[] {
  const { steps, billable } = withoutIncluded(charge.included, quantity)
  const tiers = charge.tiers.map((tier) =>
    toTier('units', tier.up_to, tier.unit_amount ?? '0', tier.flat_amount),
  )
  const charged = charge.model === 'graduated' ? graduatedSteps : volumeSteps
  return [...steps, ...charged(tiers, billable, currency)]
}

function withoutIncluded(
  included: string | undefined,
  quantity: Decimal,
): { steps: Step[]; billable: Decimal } {
  if (included === undefined) return { steps: [], billable: quantity }
  const free = parseDecimal(included)
  return { steps: [includedStep(quantity, free)], billable: positivePart(subtractDecimals(quantity, free)) }
}

function toTier(of: Tier['of'], upTo: string, unitAmount: string, flatAmount: number | undefined): Tier {
  return { of, upTo, unitAmount, flatAmount }
}

function requireWhole(quantity: Decimal): void {
  if (compareDecimals(divideDecimals(quantity, { mantissa: 1n, scale: 0 }, 0, 'down'), quantity) !== 0) {
    throw new PricingError('bad_quantity', `seats are whole: ${formatDecimal(quantity)} is not`)
  }
}
