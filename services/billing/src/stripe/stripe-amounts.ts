import { currency as currencyOf } from '@tallystick/money'

/**
 * How many decimal digits Stripe's amounts have where that is not ISO 4217's minor unit:
 * https://docs.stripe.com/currencies#zero-decimal and #special-cases. ISK and UGX have no minor unit, but are told with
 * two digits that are zero; of MGA Stripe knows no minor unit.
 */
const stripeExponents: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 }

/** Stripe takes these in steps of ten: the last digit of a three-decimal amount is zero. */
const steps: Readonly<Record<string, bigint>> = { BHD: 10n, JOD: 10n, KWD: 10n, OMR: 10n, TND: 10n }

/** Our minor units as Stripe's, or undefined for an amount that Stripe cannot move. */
export function toStripeAmount(amount: bigint, currency: string): number | undefined {
  const [up, down] = factors(currency)
  const units = amount * up
  if (units % down !== 0n || amount % (steps[currency] ?? 1n) !== 0n) return undefined
  return Number(units / down)
}

/** Stripe's amount as our minor units. */
export function fromStripeAmount(amount: number, currency: string): bigint {
  const [up, down] = factors(currency)
  return (BigInt(amount) * down) / up
}

function factors(currency: string): [up: bigint, down: bigint] {
  const ours = currencyOf(currency).exponent
  const theirs = stripeExponents[currency] ?? ours
  return theirs >= ours ? [10n ** BigInt(theirs - ours), 1n] : [1n, 10n ** BigInt(ours - theirs)]
}
