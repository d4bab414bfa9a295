export { allocate } from './allocate.ts'
export { currency, isCurrency } from './currency.ts'
export type { Currency } from './currency.ts'
export {
  addDecimals,
  compareDecimals,
  divideDecimals,
  formatDecimal,
  multiplyDecimals,
  negateDecimal,
  parseDecimal,
  roundDecimal,
  subtractDecimals,
  toDecimal,
  zero,
} from './decimal.ts'
export type { Decimal, DecimalDigits, DecimalLike } from './decimal.ts'
export { displayMoney, formatMoney, readableDecimal, readableMoney } from './format-money.ts'
export { MoneyError } from './money-error.ts'
export type { MoneyErrorCode } from './money-error.ts'
export {
  addMoney,
  compareMoney,
  fromWire,
  money,
  negateMoney,
  percentOf,
  subtractMoney,
  sumMoney,
  toMajor,
  toMinor,
  toWire,
} from './money.ts'
export type { Money } from './money.ts'
export { roundings } from './rounding.ts'
export type { Rounding } from './rounding.ts'
