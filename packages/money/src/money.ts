import type { MoneyAmount } from '@tallystick/protocol'
import { currency } from './currency.ts'
import { type Decimal, type DecimalLike, multiplyDecimals, roundDecimal, toDecimal } from './decimal.ts'
import { MoneyError } from './money-error.ts'
import type { Rounding } from './rounding.ts'

/** An amount in whole minor units (cents, yen, fils) of an ISO 4217 currency. May be negative. */
export interface Money {
  readonly amount: bigint
  readonly currency: string
}

/** An amount of a currency; throws MoneyError when the currency cannot hold one. */
export function money(amount: bigint, code: string): Money {
  return { amount, currency: currency(code).code }
}

/** The wire form; throws MoneyError beyond ±(2^53 − 1), which JSON readers would change silently. */
export function toWire(value: Money): MoneyAmount {
  const amount = Number(value.amount)
  if (!Number.isSafeInteger(amount)) {
    throw new MoneyError('amount_out_of_range', `${value.amount} minor units do not fit into a JSON integer`)
  }
  return { amount, currency: value.currency }
}

/** The amount behind its wire form; throws MoneyError for an unknown currency or a number that is no safe integer. */
export function fromWire(wire: MoneyAmount): Money {
  if (!Number.isSafeInteger(wire.amount)) {
    throw new MoneyError('amount_out_of_range', `${wire.amount} is not a whole number of minor units`)
  }
  return money(BigInt(wire.amount), wire.currency)
}

/** a + b; throws MoneyError when their currencies differ. */
export function addMoney(a: Money, b: Money): Money {
  requireSameCurrency(a, b)
  return { amount: a.amount + b.amount, currency: a.currency }
}

/** a − b; throws MoneyError when their currencies differ. */
export function subtractMoney(a: Money, b: Money): Money {
  return addMoney(a, negateMoney(b))
}

/** −a. */
export function negateMoney(a: Money): Money {
  return { amount: -a.amount, currency: a.currency }
}

/** −1, 0 or 1 as a is less than, equal to or greater than b; throws MoneyError when their currencies differ. */
export function compareMoney(a: Money, b: Money): -1 | 0 | 1 {
  requireSameCurrency(a, b)
  if (a.amount === b.amount) return 0
  return a.amount < b.amount ? -1 : 1
}

/** The sum of amounts that are all in `code`; of none it is zero. */
export function sumMoney(amounts: Iterable<Money>, code: string): Money {
  let total = money(0n, code)
  for (const amount of amounts) total = addMoney(total, amount)
  return total
}

/** Major units such as `"125.50"` as minor units of the currency, rounded once. */
export function toMinor(major: DecimalLike, code: string, rounding?: Rounding): bigint {
  return roundDecimal(toDecimal(major), currency(code).exponent, rounding).mantissa
}

/** The amount in major units, exactly. */
export function toMajor(value: Money): Decimal {
  return { mantissa: value.amount, scale: currency(value.currency).exponent }
}

/** `share` of an amount, rounded once: `percentOf(total, '0.07')` is seven percent of it. */
export function percentOf(value: Money, share: DecimalLike, rounding?: Rounding): Money {
  const exact = multiplyDecimals({ mantissa: value.amount, scale: 0 }, toDecimal(share))
  return { amount: roundDecimal(exact, 0, rounding).mantissa, currency: value.currency }
}

function requireSameCurrency(a: Money, b: Money): void {
  if (a.currency !== b.currency) {
    throw new MoneyError('currency_mismatch', `${a.currency} and ${b.currency} cannot be added or compared`)
  }
}
