import { formatDecimal, parseDecimal } from '@tallystick/money'

const scale = 12
const limb = 10n ** 10n
// Sums have more digits than a quantity on the wire.
const digits = { integer: 100, fraction: scale }

/** A quantity × 10¹², exactly. Throws MoneyError for text that is no decimal of at most 12 fraction digits. */
export function toScaled(quantity: string): bigint {
  const { mantissa, scale: fraction } = parseDecimal(quantity, digits)
  return mantissa * 10n ** BigInt(scale - fraction)
}

/** The shortest decimal text of a scaled quantity. */
export function fromScaled(scaled: bigint): string {
  return formatDecimal({ mantissa: scaled, scale })
}

/** A scaled amount = high × 10²⁰ + middle × 10¹⁰ + low: sums of 900 million events stay within an int64 each. */
export interface Limbs {
  high: bigint
  middle: bigint
  low: bigint
}

/** A scaled amount in the three parts that are kept of it; each has the sign of the amount. */
export function toLimbs(scaled: bigint): Limbs {
  return { high: scaled / (limb * limb), middle: (scaled / limb) % limb, low: scaled % limb }
}

/** The scaled amount of its parts. */
export function fromLimbs({ high, middle, low }: Limbs): bigint {
  return (high * limb + middle) * limb + low
}
