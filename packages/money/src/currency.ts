import { exponents, withdrawn, withoutMinorUnit } from './currency-table.ts'
import { MoneyError } from './money-error.ts'

/** A currency of ISO 4217 and its minor unit: an amount of 1 is 10^−exponent of the major unit. */
export interface Currency {
  readonly code: string
  readonly exponent: number
}

/** The currency behind an ISO 4217 code; throws MoneyError when it is unknown, withdrawn or has no minor unit. */
export function currency(code: string): Currency {
  const exponent = exponents.get(code)
  if (exponent !== undefined) return { code, exponent }
  if (withdrawn.has(code)) {
    throw new MoneyError(
      'currency_withdrawn',
      `${code} is no longer in use: name the currency that replaced it`,
    )
  }
  if (withoutMinorUnit.has(code)) {
    throw new MoneyError(
      'currency_without_minor_unit',
      `${code} has no minor unit, so it cannot hold an amount`,
    )
  }
  throw new MoneyError('currency_unknown', `${JSON.stringify(code)} is not an ISO 4217 code such as USD`)
}

/** Whether amounts can be held in this currency: its code is in force and has a minor unit. */
export function isCurrency(code: string): boolean {
  return exponents.has(code)
}
