import {
  compareDecimals,
  type Decimal,
  formatDecimal,
  money,
  multiplyDecimals,
  subtractDecimals,
  toMajor,
  zero,
} from '@tallystick/money'
import type { Step } from './explanation.ts'

type ChargeStep = Extract<Step, { step: 'charge' }>

/** quantity × unit amount × factor, in major units, as a step that shows the exact subtotal. */
export function chargeStep(
  of: ChargeStep['of'],
  quantity: Decimal,
  unitAmount: Decimal,
  more: { from?: Decimal; to?: Decimal | 'inf'; factor?: Decimal } = {},
): Step {
  const product = multiplyDecimals(quantity, unitAmount)
  const subtotal = more.factor ? multiplyDecimals(product, more.factor) : product
  return {
    step: 'charge',
    of,
    ...(more.from && { from: formatDecimal(more.from) }),
    ...(more.to && { to: more.to === 'inf' ? more.to : formatDecimal(more.to) }),
    quantity: formatDecimal(quantity),
    unit_amount: formatDecimal(unitAmount),
    ...(more.factor && { factor: formatDecimal(more.factor) }),
    subtotal: formatDecimal(subtotal),
  }
}

/** A fixed amount of minor units, once. */
export function flatStep(
  minorUnits: number,
  currency: string,
  more: { from?: Decimal; to?: Decimal | 'inf' } = {},
): Step {
  return chargeStep('flat', one, toMajor(money(BigInt(minorUnits), currency)), more)
}

/** What the meter gave. */
export function aggregateStep(quantity: Decimal, events?: number): Step {
  return { step: 'aggregate', quantity: formatDecimal(quantity), ...(events !== undefined && { events }) }
}

/** What of a quantity is free. */
export function includedStep(quantity: Decimal, included: Decimal): Step {
  const billable = positivePart(subtractDecimals(quantity, included))
  return { step: 'included', included: formatDecimal(included), billable: formatDecimal(billable) }
}

/** The value, or zero when it is below. */
export function positivePart(value: Decimal): Decimal {
  return compareDecimals(value, zero) > 0 ? value : zero
}

/** The lesser of two decimals. */
export function least(a: Decimal, b: Decimal): Decimal {
  return compareDecimals(a, b) <= 0 ? a : b
}

export const one: Decimal = { mantissa: 1n, scale: 0 }
