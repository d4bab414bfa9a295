import { MoneyError } from './money-error.ts'
import { type Rounding, roundedQuotient } from './rounding.ts'

/** An exact decimal: mantissa × 10^−scale. Sums and products are exact; only division and rounding lose digits. */
export interface Decimal {
  readonly mantissa: bigint
  readonly scale: number
}

/** A decimal or its text, such as `"0.001"`. */
export type DecimalLike = Decimal | string

export const zero: Decimal = { mantissa: 0n, scale: 0 }

/** How many digits a parser takes: those of the wire unless told otherwise. */
export interface DecimalDigits {
  readonly integer: number
  readonly fraction: number
}
const wireDigits: DecimalDigits = { integer: 18, fraction: 12 }

/** Reads a decimal such as `"-0.001"`: no exponent, no plus, no needless zero in front; throws MoneyError otherwise. */
export function parseDecimal(text: string, digits: DecimalDigits = wireDigits): Decimal {
  const match = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text)
  const [, sign = '', integer = '', fraction = ''] = match ?? []
  if (!match || integer.length > digits.integer || fraction.length > digits.fraction) {
    const limits = `${digits.integer} integer and ${digits.fraction} fraction digits`
    throw new MoneyError(
      'bad_decimal',
      `${JSON.stringify(text.slice(0, 80))} is not a decimal of at most ${limits}`,
    )
  }
  return { mantissa: BigInt(`${sign}${integer}${fraction}`), scale: fraction.length }
}

/** The decimal behind a value that may still be text. */
export function toDecimal(value: DecimalLike | bigint): Decimal {
  if (typeof value === 'bigint') return { mantissa: value, scale: 0 }
  return typeof value === 'string' ? parseDecimal(value) : value
}

/** The shortest text with this value, such as `"0.1"` for 0.100; with `minimumScale`, at least so many fraction digits. */
export function formatDecimal(value: Decimal, minimumScale = 0): string {
  const { mantissa, scale } = rescaled(normalized(value), minimumScale)
  const digits = (mantissa < 0n ? -mantissa : mantissa).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = digits.slice(digits.length - scale)
  return `${mantissa < 0n ? '-' : ''}${whole}${scale > 0 ? `.${fraction}` : ''}`
}

/** a + b, exactly. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return { mantissa: rescaled(a, scale).mantissa + rescaled(b, scale).mantissa, scale }
}

/** a − b, exactly. */
export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, negateDecimal(b))
}

/** −a. */
export function negateDecimal(a: Decimal): Decimal {
  return { mantissa: -a.mantissa, scale: a.scale }
}

/** a × b, exactly. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { mantissa: a.mantissa * b.mantissa, scale: a.scale + b.scale }
}

/** a ÷ b with `scale` fraction digits, rounded once; throws MoneyError when b is zero. */
export function divideDecimals(
  a: Decimal,
  b: Decimal,
  scale: number,
  rounding: Rounding = 'half_away_from_zero',
): Decimal {
  if (b.mantissa === 0n) throw new MoneyError('division_by_zero', 'a decimal cannot be divided by zero')
  const shift = scale + b.scale - a.scale
  const numerator = shift > 0 ? a.mantissa * powerOfTen(shift) : a.mantissa
  const denominator = shift < 0 ? b.mantissa * powerOfTen(-shift) : b.mantissa
  return { mantissa: roundedQuotient(numerator, denominator, rounding), scale }
}

/** The value with exactly `scale` fraction digits, rounded once where digits are lost. */
export function roundDecimal(
  value: Decimal,
  scale: number,
  rounding: Rounding = 'half_away_from_zero',
): Decimal {
  return divideDecimals(value, { mantissa: 1n, scale: 0 }, scale, rounding)
}

/** −1, 0 or 1 as a is less than, equal to or greater than b. */
export function compareDecimals(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const difference = subtractDecimals(a, b).mantissa
  if (difference === 0n) return 0
  return difference < 0n ? -1 : 1
}

function normalized(value: Decimal): Decimal {
  let { mantissa, scale } = value
  while (scale > 0 && mantissa % 10n === 0n) {
    mantissa /= 10n
    scale -= 1
  }
  return { mantissa, scale }
}

function rescaled(value: Decimal, scale: number): Decimal {
  if (scale <= value.scale) return value
  return { mantissa: value.mantissa * powerOfTen(scale - value.scale), scale }
}

const powerOfTen = (exponent: number): bigint => 10n ** BigInt(exponent)
