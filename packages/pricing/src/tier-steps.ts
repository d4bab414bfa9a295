import { compareDecimals, type Decimal, parseDecimal, subtractDecimals, zero } from '@tallystick/money'
import type { Step } from './explanation.ts'
import { chargeStep, flatStep, least } from './steps.ts'

/** A stretch of quantities with its prices; `of` says what one of them is: a unit, or a major unit of an amount. */
export interface Tier {
  readonly of: 'units' | 'share'
  readonly upTo: string
  readonly unitAmount: string
  readonly flatAmount: number | undefined
}

/** Each tier charges the part of the quantity that lies after the tier before and up to its own bound. */
export function graduatedSteps(tiers: readonly Tier[], quantity: Decimal, currency: string): Step[] {
  let from = zero
  const steps: Step[] = []
  for (const tier of tiers) {
    if (compareDecimals(quantity, from) <= 0) break
    const to = upperBound(tier)
    const reached = to === 'inf' ? quantity : least(quantity, to)
    steps.push(...tierSteps(tier, subtractDecimals(reached, from), { from, to }, currency))
    if (to === 'inf') break
    from = to
  }
  return steps
}

/** The one tier that holds the whole quantity charges all of it: the total jumps, even downwards, at a bound. */
export function volumeSteps(tiers: readonly Tier[], quantity: Decimal, currency: string): Step[] {
  if (compareDecimals(quantity, zero) === 0) return []
  let from = zero
  for (const tier of tiers) {
    const to = upperBound(tier)
    if (to === 'inf' || compareDecimals(quantity, to) <= 0)
      return tierSteps(tier, quantity, { from, to }, currency)
    from = to
  }
  return []
}

function tierSteps(
  tier: Tier,
  quantity: Decimal,
  bounds: { from: Decimal; to: Decimal | 'inf' },
  currency: string,
): Step[] {
  const charge = chargeStep(tier.of, quantity, parseDecimal(tier.unitAmount), bounds)
  return tier.flatAmount === undefined ? [charge] : [charge, flatStep(tier.flatAmount, currency, bounds)]
}

const upperBound = (tier: Tier): Decimal | 'inf' => (tier.upTo === 'inf' ? 'inf' : parseDecimal(tier.upTo))
