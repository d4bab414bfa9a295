import { toWire } from '@tallystick/money'
import { PricingError, price as priceSchema, rateUsage } from '@tallystick/pricing'
import type { Usage } from '@tallystick/pricing'
import { Fault } from '@tallystick/protocol'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { findPrice } from './change-prices.ts'
import type { QuoteInput, quoteView } from './price-schemas.ts'

/** What some usage would cost under a price, line by line. Touches nothing; invoices are rated by the same function. */
export async function quotePrice(
  deps: Pick<Deps, 'store' | 'livemode'>,
  tenant: string,
  input: QuoteInput,
): Promise<z.infer<typeof quoteView>> {
  const { id, definition } = await findPrice(deps, tenant, input.price_id)
  const price = priceSchema.parse(JSON.parse(definition))
  const { lines, total } = rated(() => rateUsage(price, usageOf(input)))
  return {
    object: 'quote',
    livemode: deps.livemode,
    price: id,
    lines: lines.map((line) => ({
      kind: line.kind,
      ...(line.dimensions && { dimensions: { ...line.dimensions } }),
      quantity: line.quantity,
      amount: toWire(line.amount),
      explanation: line.explanation,
    })),
    total: toWire(total),
  }
}

function usageOf({ quantity, by_dimension, events }: QuoteInput): Usage {
  if (by_dimension !== undefined) return { byDimension: by_dimension }
  if (events === undefined) return { quantity: quantity ?? '0' }
  return {
    events: events.map(({ quantity: units, amount, dimensions }) => ({
      ...(units !== undefined && { quantity: units }),
      ...(amount !== undefined && { amount }),
      ...(dimensions !== undefined && { dimensions }),
    })),
  }
}

/** Usage that a price cannot be applied to is the caller's to mend. */
function rated<T>(rate: () => T): T {
  try {
    return rate()
  } catch (error) {
    if (!(error instanceof PricingError)) throw error
    throw new Fault('validation_failed', { errors: [{ pointer: '', message: error.message }], cause: error })
  }
}
