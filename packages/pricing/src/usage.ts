import { addDecimals, compareDecimals, type Decimal, type DecimalLike, zero } from '@tallystick/money'
import { parseExact } from './explanation.ts'
import { PricingError } from './pricing-error.ts'

/** Values of dimensions, such as `{ country: 'DE' }`. */
export type Dimensions = Readonly<Record<string, string>>

/** One metered event: a quantity of units (1 where absent), and for percentage prices an amount in major units. */
export interface PricedEvent {
  readonly quantity?: DecimalLike
  readonly amount?: DecimalLike
  readonly dimensions?: Dimensions
}

/** A quantity that was aggregated for some values of the dimensions. */
export interface UsageSlice {
  readonly dimensions: Dimensions
  readonly quantity: DecimalLike
}

/** What is rated: one aggregate, one per combination of dimensions, or the events themselves in the order they count. */
export type Usage =
  | { readonly quantity: DecimalLike }
  | { readonly events: readonly PricedEvent[] }
  | { readonly byDimension: readonly UsageSlice[] }

/** Usage of one line, summed. `amounts` holds the amount of each event where events were given. */
export interface LineUsage {
  readonly quantity: Decimal
  readonly amount: Decimal
  readonly amounts?: readonly Decimal[]
  /** Whether an event named neither amount nor quantity, so that only units can be charged. */
  readonly lacksAmount?: true
}

/** The usage split by a key of its dimensions; each part summed. Throws PricingError where a sum is negative. */
export function splitUsage(usage: Usage, keyOf: (dimensions: Dimensions) => number): Map<number, LineUsage> {
  const parts = new Map<
    number,
    { quantity: Decimal; amount: Decimal; amounts: Decimal[]; lacksAmount?: true }
  >()
  const add = (dimensions: Dimensions, quantity: Decimal, amount: Decimal | undefined): void => {
    const key = keyOf(dimensions)
    const part = parts.get(key) ?? { quantity: zero, amount: zero, amounts: [] }
    parts.set(key, part)
    part.quantity = addDecimals(part.quantity, quantity)
    if (amount === undefined) part.lacksAmount = true
    part.amount = addDecimals(part.amount, amount ?? zero)
    part.amounts.push(amount ?? zero)
  }
  if ('quantity' in usage) add({}, exactly(usage.quantity), exactly(usage.quantity))
  else if ('byDimension' in usage) {
    for (const { dimensions, quantity } of usage.byDimension)
      add(dimensions, exactly(quantity), exactly(quantity))
  } else {
    for (const event of usage.events) {
      const amount = event.amount ?? event.quantity
      add(
        event.dimensions ?? {},
        exactly(event.quantity ?? '1'),
        amount === undefined ? amount : exactly(amount),
      )
    }
  }
  for (const part of parts.values()) {
    requireNotNegative(part.quantity)
    requireNotNegative(part.amount)
  }
  if ('events' in usage) return parts
  // An aggregate tells nothing of the events behind it.
  return new Map([...parts].map(([key, { quantity, amount }]) => [key, { quantity, amount }]))
}

/** Throws PricingError where a share is to be taken of events that name no amount. */
export function requireAmounts(usage: LineUsage): void {
  if (usage.lacksAmount)
    throw new PricingError('amount_required', 'a share is charged of the amount of each event')
}

/** Throws PricingError for a quantity below zero. */
export function requireNotNegative(quantity: Decimal): void {
  if (compareDecimals(quantity, zero) < 0) {
    throw new PricingError('bad_quantity', 'usage must not be negative: book a correction as a credit')
  }
}

const exactly = (value: DecimalLike): Decimal => (typeof value === 'string' ? parseExact(value) : value)
