import { formatDecimal, parseDecimal } from '@tallystick/money'
import type { UsageBucket } from './collections.ts'

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

/** A scaled amount in the three parts that a bucket keeps; each has the sign of the amount. */
export function toLimbs(scaled: bigint): Pick<UsageBucket, 'high' | 'middle' | 'low'> {
  return { high: scaled / (limb * limb), middle: (scaled / limb) % limb, low: scaled % limb }
}

/** The scaled sum of a bucket. */
export function fromLimbs({ high, middle, low }: Pick<UsageBucket, 'high' | 'middle' | 'low'>): bigint {
  return (high * limb + middle) * limb + low
}
