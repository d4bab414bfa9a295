import { formatDecimal, parseDecimal } from '@tallystick/money'
import type { UsageBucket } from './collections.ts'

const scale = 12
const limb = 10n ** 10n

/** A quantity × 10¹², exactly. Throws MoneyError for text that is no decimal. */
export function toScaled(quantity: string): bigint {
  const { mantissa, scale: digits } = parseDecimal(quantity)
  return mantissa * 10n ** BigInt(scale - digits)
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
