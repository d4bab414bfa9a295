import { isCurrency, roundings } from '@tallystick/money'
import { currencyCode, decimal, rate } from '@tallystick/protocol'
import { z } from 'zod'
import { ascendingTiers, boundsInOrder, reachableRows } from './price-checks.ts'

const isPositive = (text: string): boolean => !/^[0.]+$/.test(text)
const positiveDecimal = decimal.refine(isPositive, 'must be greater than zero')
/** A fixed amount in whole minor units; a price never pays the customer. */
const minorUnits = z.int().nonnegative()
/** A price per unit in major units, such as `"0.001"`. */
const unitAmount = decimal
const upTo = z.union([positiveDecimal, z.literal('inf')])

/** Units that cost nothing; bounds of tiers and packages count what is left of them. */
const included = decimal.optional()
/** Units after the first `after` (counted with the included ones) cost `factor` times the unit price. */
const overage = z.strictObject({ after: decimal, factor: positiveDecimal }).optional()

const tier = z
  .strictObject({ up_to: upTo, unit_amount: unitAmount.optional(), flat_amount: minorUnits.optional() })
  .refine((value) => value.unit_amount !== undefined || value.flat_amount !== undefined, {
    message: 'must have a unit_amount, a flat_amount or both',
    path: ['unit_amount'],
  })
const tiers = z.array(tier).min(1).max(100).superRefine(ascendingTiers)

const percentageTier = z.strictObject({ up_to: upTo, rate, flat_amount: minorUnits.optional() })
const percentageTiers = z.array(percentageTier).min(1).max(100).superRefine(ascendingTiers)

/** The same amount whatever the usage. */
const flat = { model: z.literal('flat'), amount: minorUnits }
/** Every unit at the same price. */
const perUnit = { model: z.literal('per_unit'), unit_amount: unitAmount, included, overage }
/** As per_unit, for whole numbers of seats. */
const seat = { model: z.literal('seat'), unit_amount: unitAmount, included, overage }
/** A price per package of `size` units; a package that is begun counts (`up`) or does not (`down`). */
const packaged = {
  model: z.literal('package'),
  size: positiveDecimal,
  unit_amount: unitAmount,
  round: z.enum(['up', 'down']).default('up'),
  included,
}
/** Each unit at the price of the tier that it falls into; a tier's flat amount is due once a unit falls into it. */
const graduated = { model: z.literal('graduated'), tiers, included }
/** All units at the price of the one tier that the whole quantity falls into, and that tier's flat amount. */
const volume = { model: z.literal('volume'), tiers, included }
/**
 * A share of each event's amount and a fixed amount per event, in major units, at least `minimum_amount` and at most
 * `maximum_amount` per event. The first `free_events` go without the fixed amount, the first `free_amount` goes without
 * the share; where both are given, the free tier ends for both when either is used up.
 */
const percentage = {
  model: z.literal('percentage'),
  rate,
  fixed_amount: decimal.optional(),
  minimum_amount: decimal.optional(),
  maximum_amount: decimal.optional(),
  free_events: z.int().nonnegative().max(1_000_000_000).optional(),
  free_amount: decimal.optional(),
}
/** Each part of the summed amount at the rate of the tier that it falls into; bounds are in major units. */
const graduatedPercentage = { model: z.literal('graduated_percentage'), tiers: percentageTiers }

/** How the usage of one line becomes an exact amount. */
const lineCharge = z.discriminatedUnion('model', [
  z.strictObject(perUnit),
  z.strictObject(seat),
  z.strictObject(packaged),
  z.strictObject(graduated),
  z.strictObject(volume),
  z.strictObject(percentage).superRefine(boundsInOrder),
  z.strictObject(graduatedPercentage),
])

const dimensionName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be a lower-case name such as "country"')
const dimensionValue = z.string().min(1).max(200)
const matrixRow = z.strictObject({ match: z.record(dimensionName, dimensionValue), charge: lineCharge })
/**
 * A charge by the values of dimensions, such as the country. The first row whose `match` agrees with the usage is
 * taken, else `default`; usage that neither covers is refused. Each row gives a line of its own.
 */
const matrix = {
  model: z.literal('matrix'),
  dimensions: z.array(dimensionName).min(1).max(8),
  rows: z.array(matrixRow).min(1).max(1000),
  default: lineCharge.optional(),
}

const common = {
  currency: currencyCode.refine(isCurrency, 'must be a currency of ISO 4217 that is in force'),
  /** How often the price is due; absent for a single charge. */
  recurring: z
    .strictObject({ interval: z.enum(['month', 'year']), interval_count: z.int().min(1).max(60).default(1) })
    .optional(),
  /** Each line is rounded once to minor units. */
  rounding: z
    .strictObject({
      stage: z.literal('line').default('line'),
      mode: z.enum(roundings).default('half_away_from_zero'),
    })
    .prefault({}),
  /** The least that a period costs; what lies above it costs `overage_factor` times as much. */
  commitment: z.strictObject({ amount: minorUnits, overage_factor: positiveDecimal.optional() }).optional(),
}

/** A price as it stands on the wire: decimal strings are major units or quantities, integers are minor units. */
export const price = z.discriminatedUnion('model', [
  z.strictObject({ ...common, ...flat }),
  z.strictObject({ ...common, ...perUnit }),
  z.strictObject({ ...common, ...seat }),
  z.strictObject({ ...common, ...packaged }),
  z.strictObject({ ...common, ...graduated }),
  z.strictObject({ ...common, ...volume }),
  z.strictObject({ ...common, ...percentage }).superRefine(boundsInOrder),
  z.strictObject({ ...common, ...graduatedPercentage }),
  z.strictObject({ ...common, ...matrix }).superRefine(reachableRows),
])
/** A price with its defaults filled in. */
export type Price = z.infer<typeof price>
/** A price as a caller may write it. */
export type PriceInput = z.input<typeof price>
/** What a single line is charged by: a price that is no matrix, or a row of one. */
export type Charge = z.infer<typeof lineCharge> | z.infer<z.ZodObject<typeof flat>>
/** A price by the values of dimensions. */
export type MatrixPrice = Extract<Price, { model: 'matrix' }>
