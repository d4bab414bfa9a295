import {
  addDecimals,
  compareDecimals,
  type Decimal,
  divideDecimals,
  money,
  multiplyDecimals,
  subtractDecimals,
  toMajor,
  zero,
} from '@tallystick/money'
import { roundShare } from './explain-amount.ts'
import type { Fraction } from './share.ts'
import { type Explanation, parseExact, type Proration, type Step } from './explanation.ts'
import { PricingError } from './pricing-error.ts'
import { one, positivePart } from './steps.ts'

type StepOf<S extends Step['step']> = Extract<Step, { step: S }>

/**
 * Computes a line again from its explanation alone and gives its amount in minor units. Throws PricingError where a step
 * does not follow from the ones before it, so that nobody has to trust the figures that stand there.
 */
export function replayExplanation(explanation: Explanation): bigint {
  const { currency, rounding, steps, proration, reversal } = explanation
  let rounded = zero
  let open: Step[] = []
  for (const step of steps) {
    if (step.step !== 'rounded') {
      open.push(step)
      continue
    }
    const exact = replaySteps(open, explanation, rounded)
    requireEqual(exact, step.exact, 'what is rounded')
    const amount = roundShare(exact, currency, step.rounding, readShare(step.proration))
    requireEqual(major(amount, currency), step.amount, 'a rounded amount')
    rounded = addDecimals(rounded, parseExact(step.amount))
    open = []
  }
  const exact = addDecimals(rounded, replaySteps(open, explanation, rounded))
  requireEqual(exact, explanation.exact, 'the exact sum')
  const amount = roundShare(exact, currency, rounding, readShare(proration))
  const told = reversal ? -amount : amount
  if (told !== BigInt(explanation.amount)) throw broken('the amount')
  return told
}

/** The exact sum of the charges of one line; `before` is what the lines before it come to. */
function replaySteps(steps: readonly Step[], explanation: Explanation, before: Decimal): Decimal {
  const charges = steps.filter((step) => step.step === 'charge')
  replayQuantities(steps, charges)
  for (const step of steps)
    if (step.step === 'commitment') replayCommitment(step, charges, { explanation, before })
  let exact = zero
  for (const charge of charges) {
    const product = multiplyDecimals(parseExact(charge.quantity), parseExact(charge.unit_amount))
    const subtotal = multiplyDecimals(product, charge.factor === undefined ? one : parseExact(charge.factor))
    requireEqual(subtotal, charge.subtotal, 'a subtotal')
    exact = addDecimals(exact, subtotal)
  }
  return exact
}

/** Follows the quantity from the meter to what the charges take. */
function replayQuantities(steps: readonly Step[], charges: readonly StepOf<'charge'>[]): void {
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
  }
  const isBounded = charges.some(({ of }) => of === 'minimum' || of === 'maximum')
  const taking = charges.filter(
    ({ of }) => of === 'units' || of === 'packages' || (of === 'share' && !isBounded),
  )
  if (taking.length === 0) return
  const taken = taking.reduce((sum, step) => addDecimals(sum, parseExact(step.quantity)), zero)
  if (compareDecimals(taken, quantity ?? zero) !== 0) throw broken('the quantity that is charged')
}

/** The distance to what a period costs at least, and that least amount where the period is a part of one. */
function replayCommitment(
  { committed, charged, full, proration }: StepOf<'commitment'>,
  charges: readonly StepOf<'charge'>[],
  { explanation: { currency, rounding, steps }, before }: { explanation: Explanation; before: Decimal },
): void {
  const missing = subtractDecimals(parseExact(committed), parseExact(charged))
  const isShort = compareDecimals(missing, zero) > 0
  requireEqual(isShort ? missing : subtractDecimals(zero, missing), charges[0]?.quantity, 'the distance')
  // Where the lines that it follows stand here too, they are what was charged.
  const own = steps.find((step) => step.step === 'rounded')
  if (own) requireEqual(before, charged, 'what was charged')
  if (full === undefined && proration === undefined) return
  const share = roundShare(parseExact(full ?? '0'), currency, own?.rounding ?? rounding, readShare(proration))
  requireEqual(major(share, currency), committed, 'the least amount')
}

/** The share as a fraction, which must be that of the stretches where they are told. */
function readShare(proration: Proration | undefined): Fraction | undefined {
  if (!proration) return undefined
  const { part, whole } = proration
  const share = { numerator: BigInt(proration.numerator), denominator: BigInt(proration.denominator) }
  if (share.denominator <= 0n) throw broken('the share of the period')
  if (!part && !whole) return share
  const [from, to, start, end] = [part?.start, part?.end, whole?.start, whole?.end].map((moment) =>
    Date.parse(moment ?? ''),
  ) as [number, number, number, number]
  const isShare =
    start <= from &&
    to <= end &&
    share.numerator === BigInt(to - from) &&
    share.denominator === BigInt(end - start)
  if (!isShare) throw broken('the share of the period')
  return share
}

function major(amount: bigint, currency: string): Decimal {
  return toMajor(money(amount, currency))
}

function requireEqual(computed: Decimal, written: string | undefined, what: string): void {
  if (written === undefined || compareDecimals(computed, parseExact(written)) !== 0) throw broken(what)
}

function broken(what: string): PricingError {
  return new PricingError('explanation_broken', `${what} does not follow from the steps before it`)
}
