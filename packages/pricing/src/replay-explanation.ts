import {
  addDecimals,
  compareDecimals,
  type Decimal,
  divideDecimals,
  multiplyDecimals,
  subtractDecimals,
  zero,
} from '@tallystick/money'
import { roundShare } from './explain-amount.ts'
import { type Explanation, parseExact, type Step } from './explanation.ts'
import { PricingError } from './pricing-error.ts'
import { one, positivePart } from './steps.ts'

type ChargeStep = Extract<Step, { step: 'charge' }>

/**
 * Computes a line again from its explanation alone and gives its amount in minor units. Throws PricingError where a step
 * does not follow from the ones before it, so that nobody has to trust the figures that stand there.
 */
export function replayExplanation(explanation: Explanation): bigint {
  const charges = explanation.steps.filter((step) => step.step === 'charge')
  replayQuantities(explanation.steps, charges)
  let exact = zero
  for (const charge of charges) {
    const product = multiplyDecimals(parseExact(charge.quantity), parseExact(charge.unit_amount))
    const subtotal = multiplyDecimals(product, charge.factor === undefined ? one : parseExact(charge.factor))
    requireEqual(subtotal, charge.subtotal, 'a subtotal')
    exact = addDecimals(exact, subtotal)
  }
  requireEqual(exact, explanation.exact, 'the exact sum')
  const share = explanation.proration && {
    numerator: BigInt(explanation.proration.numerator),
    denominator: BigInt(explanation.proration.denominator),
  }
  const amount = roundShare(exact, explanation.currency, explanation.rounding, share)
  if (amount !== BigInt(explanation.amount)) throw broken('the amount')
  return amount
}

/** Follows the quantity from the meter to what the charges take. */
function replayQuantities(steps: readonly Step[], charges: readonly ChargeStep[]): void {
  let quantity: Decimal | undefined
  for (const step of steps) {
    if (step.step === 'aggregate') quantity = parseExact(step.quantity)
    if (step.step === 'included') {
      const left = positivePart(subtractDecimals(quantity ?? zero, parseExact(step.included)))
      requireEqual(left, step.billable, 'what is billable')
      quantity = left
    }
    if (step.step === 'packages') {
      requireEqual(quantity ?? zero, step.quantity, 'the quantity of packages')
      quantity = divideDecimals(parseExact(step.quantity), parseExact(step.size), 0, step.round)
      requireEqual(quantity, step.packages, 'the number of packages')
    }
    if (step.step === 'commitment') {
      const missing = subtractDecimals(parseExact(step.committed), parseExact(step.charged))
      const isShort = compareDecimals(missing, zero) > 0
      requireEqual(isShort ? missing : subtractDecimals(zero, missing), charges[0]?.quantity, 'the distance')
    }
  }
  const isBounded = charges.some(({ of }) => of === 'minimum' || of === 'maximum')
  const taking = charges.filter(
    ({ of }) => of === 'units' || of === 'packages' || (of === 'share' && !isBounded),
  )
  if (taking.length === 0) return
  const taken = taking.reduce((sum, step) => addDecimals(sum, parseExact(step.quantity)), zero)
  if (compareDecimals(taken, quantity ?? zero) !== 0) throw broken('the quantity that is charged')
}

function requireEqual(computed: Decimal, written: string | undefined, what: string): void {
  if (written === undefined || compareDecimals(computed, parseExact(written)) !== 0) throw broken(what)
}

function broken(what: string): PricingError {
  return new PricingError('explanation_broken', `${what} does not follow from the steps before it`)
}
