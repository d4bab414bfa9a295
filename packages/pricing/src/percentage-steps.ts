import {
  addDecimals,
  compareDecimals,
  type Decimal,
  multiplyDecimals,
  parseDecimal,
  subtractDecimals,
  zero,
} from '@tallystick/money'
import type { Step } from './explanation.ts'
import type { Charge } from './price.ts'
import { PricingError } from './pricing-error.ts'
import { aggregateStep, chargeStep, includedStep, least, positivePart } from './steps.ts'
import { type LineUsage, requireAmounts, requireNotNegative } from './usage.ts'

type Percentage = Extract<Charge, { model: 'percentage' }>

/** What the events of a line come to; events that hit a bound are counted, not listed. */
interface Tally {
  share: Decimal
  free: Decimal
  fixed: bigint
  minimum: bigint
  maximum: bigint
}

/** A share of the amounts and a fixed amount per event, within bounds per event, after what is free. */
export function percentageSteps(charge: Percentage, usage: LineUsage): Step[] {
  const needsEvents =
    charge.fixed_amount ?? charge.minimum_amount ?? charge.maximum_amount ?? charge.free_events
  if (needsEvents !== undefined && !usage.amounts) {
    throw new PricingError(
      'events_required',
      'a price with amounts per event needs the events, not only their sum',
    )
  }
  requireAmounts(usage)
  const tally = tallyEvents(charge, usage.amounts ?? [usage.amount])
  const steps = [aggregateStep(usage.amount, usage.amounts?.length)]
  if (charge.free_amount !== undefined) steps.push(includedStep(usage.amount, tally.free))
  steps.push(chargeStep('share', tally.share, parseDecimal(charge.rate)))
  const perEvent = [
    ['fixed', tally.fixed, charge.fixed_amount],
    ['minimum', tally.minimum, charge.minimum_amount],
    ['maximum', tally.maximum, charge.maximum_amount],
  ] as const
  for (const [of, count, amount] of perEvent) {
    if (count > 0n && amount !== undefined) {
      steps.push(chargeStep(of, { mantissa: count, scale: 0 }, parseDecimal(amount)))
    }
  }
  return steps
}

function tallyEvents(charge: Percentage, amounts: readonly Decimal[]): Tally {
  const rate = parseDecimal(charge.rate)
  const fixed = optional(charge.fixed_amount)
  const minimum = optional(charge.minimum_amount)
  const maximum = optional(charge.maximum_amount)
  const tally: Tally = { share: zero, free: zero, fixed: 0n, minimum: 0n, maximum: 0n }
  let before = zero
  amounts.forEach((amount, position) => {
    requireNotNegative(amount)
    const free = freePart(charge, amount, position, before)
    const base = subtractDecimals(amount, free.amount)
    const exact = addDecimals(multiplyDecimals(base, rate), free.fixed ? zero : (fixed ?? zero))
    // A minimum would charge for what the free tier gives away, so it holds for events outside of it.
    const isWhole = !free.fixed && compareDecimals(free.amount, zero) === 0
    if (maximum && compareDecimals(exact, maximum) > 0) tally.maximum += 1n
    else if (minimum && isWhole && compareDecimals(exact, minimum) < 0) tally.minimum += 1n
    else {
      tally.share = addDecimals(tally.share, base)
      if (fixed && !free.fixed) tally.fixed += 1n
    }
    tally.free = addDecimals(tally.free, free.amount)
    before = addDecimals(before, amount)
  })
  return tally
}

/** Which part of an event's amount is free of the share, and whether it is free of the fixed amount. */
function freePart(
  charge: Percentage,
  amount: Decimal,
  position: number,
  before: Decimal,
): { amount: Decimal; fixed: boolean } {
  const hasFreeEvent = position < (charge.free_events ?? 0)
  if (charge.free_amount === undefined) return { amount: zero, fixed: hasFreeEvent }
  const left = positivePart(subtractDecimals(parseDecimal(charge.free_amount), before))
  const freeAmount = least(amount, left)
  if (charge.free_events === undefined) return { amount: freeAmount, fixed: false }
  if (!hasFreeEvent) return { amount: zero, fixed: false }
  return { amount: freeAmount, fixed: compareDecimals(amount, left) <= 0 }
}

const optional = (text: string | undefined): Decimal | undefined =>
  text === undefined ? undefined : parseDecimal(text)
