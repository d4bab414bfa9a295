import { type Decimal, parseDecimal, roundings } from '@tallystick/money'
import { currencyCode, timestamp } from '@tallystick/protocol'
import { z } from 'zod'

// Products and sums of wire decimals are exact, so they may have more digits than a wire decimal.
const digits = { integer: 120, fraction: 120 }
const exact = z.string().regex(/^-?(0|[1-9][0-9]{0,119})(\.[0-9]{1,120})?$/, 'must be an exact decimal')
const whole = z.string().regex(/^-?(0|[1-9][0-9]{0,119})$/, 'must be a whole number')

const stretch = z.strictObject({ start: timestamp, end: timestamp })

/** An exact fraction of a period; where the stretches are told, it is that of their lengths in milliseconds. */
const proration = z.strictObject({
  numerator: whole,
  denominator: whole,
  part: stretch.optional(),
  whole: stretch.optional(),
})
export type Proration = z.infer<typeof proration>

const step = z.discriminatedUnion('step', [
  /** What the meter gave: the quantity (or summed amount), and how many events it came from where they were given. */
  z.strictObject({ step: z.literal('aggregate'), quantity: exact, events: z.int().optional() }),
  /** What of the quantity is free, and what is left to charge. */
  z.strictObject({ step: z.literal('included'), included: exact, billable: exact }),
  /** The quantity in whole packages. */
  z.strictObject({
    step: z.literal('packages'),
    quantity: exact,
    size: exact,
    round: z.enum(['up', 'down']),
    packages: exact,
  }),
  /** What a period costs at least, and what its lines came to; of a part of a period, `full` × the share, rounded. */
  z.strictObject({
    step: z.literal('commitment'),
    committed: exact,
    charged: exact,
    full: exact.optional(),
    proration: proration.optional(),
  }),
  /** What the charges since the one before come to: a line of its own, rounded to minor units. `amount` in major units. */
  z.strictObject({
    step: z.literal('rounded'),
    exact,
    proration: proration.optional(),
    rounding: z.enum(roundings),
    amount: exact,
  }),
  /** subtotal = quantity × unit_amount × factor, in major units; of a tier it is the stretch after `from` up to `to`. */
  z.strictObject({
    step: z.literal('charge'),
    of: z.enum(['units', 'packages', 'flat', 'share', 'fixed', 'minimum', 'maximum', 'true_up', 'overage']),
    from: exact.optional(),
    to: z.union([exact, z.literal('inf')]).optional(),
    quantity: exact,
    unit_amount: exact,
    factor: exact.optional(),
    subtotal: exact,
  }),
])
/** One step from usage to amount. */
export type Step = z.infer<typeof step>

/**
 * How a line came to its amount: the steps in order, their exact sum in major units, the share of the period where one
 * was charged, and the rounding to minor units. A reversal takes that back: its amount is the opposite.
 * `replayExplanation` computes it again.
 */
export const explanation = z.strictObject({
  currency: currencyCode,
  steps: z.array(step).max(1000),
  exact,
  proration: proration.optional(),
  rounding: z.enum(roundings),
  reversal: z.literal(true).optional(),
  amount: whole,
})
export type Explanation = z.infer<typeof explanation>

/** Reads a decimal of an explanation, which may have more digits than one on the wire. */
export function parseExact(text: string): Decimal {
  return parseDecimal(text, digits)
}
