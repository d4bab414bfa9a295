import type { Period, RatedLine } from '@tallystick/pricing'
import { canonicalize } from '@tallystick/receipt'
import type { StoredLine } from '../invoices/collections.ts'
import type { ReadPrice } from './read-prices.ts'

/** A line that is not yet on an invoice; its id is its place there. */
export type OpenLine = Omit<StoredLine, 'id'>

/** What rated lines are of. */
export interface Rated {
  price: ReadPrice
  /** The subscription's item. */
  item: string
  period: Period
}

const prefixes = {
  price: '',
  proration: '',
  late_usage: 'Late usage: ',
  late_usage_reversal: 'Taken back for late usage: ',
} as const

/** Rated lines as lines of an invoice. Each keeps its explanation, from which its amount can be computed again. */
export function invoiceLines(
  rated: readonly RatedLine[],
  { price, item, period }: Rated,
  kind: keyof typeof prefixes = 'price',
): OpenLine[] {
  return rated.map((line) => ({
    kind: kind === 'price' ? kindOf(price, line) : kind,
    description: prefixes[kind] + describe(price, line),
    price: price.id,
    ...(price.license !== undefined && { license: price.license }),
    subscriptionItem: item,
    quantity: line.quantity,
    amount: line.amount.amount,
    period: { start: period.start, end: period.end },
    explanation: canonicalize(line.explanation),
    ...(price.taxCode !== undefined && { taxCode: price.taxCode }),
  }))
}

/** The lines with their places as ids. */
export function placed(lines: readonly OpenLine[]): StoredLine[] {
  return lines.map((line, place) => ({ ...line, id: String(place + 1) }))
}

function kindOf({ license }: ReadPrice, { kind }: RatedLine): OpenLine['kind'] {
  if (license !== undefined) return 'license'
  return kind === 'true_up' ? 'minimum' : 'price'
}

function describe({ name }: ReadPrice, { kind, quantity, dimensions }: RatedLine): string {
  if (kind === 'true_up') return `${name}: up to the minimum`
  if (kind === 'overage') return `${name}: above the commitment`
  const of = Object.entries(dimensions ?? {}).map(([dimension, value]) => `${dimension} ${value}`)
  const about = of.length > 0 ? `${name} (${of.join(', ')})` : name
  return kind === 'seat' ? `${about} × ${quantity}` : about
}
