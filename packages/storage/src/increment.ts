import type { Document } from './collection.ts'
import { InvalidDocument, OutOfBounds, type StorageErrorPlace } from './errors.ts'

type Amounts = Readonly<Record<string, number | bigint>>
type AllBounds = Readonly<
  Record<
    string,
    { readonly atLeast?: number | bigint | undefined; readonly atMost?: number | bigint | undefined }
  >
>

/**
 * The document after an increment. Throws OutOfBounds when a result leaves its bounds, an int64, or the finite numbers,
 * and InvalidDocument when the field is not a number of the increment's type.
 */
export function addWithinBounds(
  document: Document,
  by: Amounts,
  bounds: AllBounds,
  place: StorageErrorPlace,
): Document {
  const after: Document & Record<string, unknown> = { ...document }
  for (const [field, delta] of Object.entries(by)) {
    const sum = add(after[field], delta, field, place)
    const { atLeast = sum, atMost = sum } = bounds[field] ?? {}
    const fits = typeof sum === 'bigint' ? sum === BigInt.asIntN(64, sum) : Number.isFinite(sum)
    if (!fits || sum < atLeast || sum > atMost) {
      throw new OutOfBounds(`${place.collection} ${document.id}: ${field} would be ${sum}`, place)
    }
    after[field] = sum
  }
  return after
}

function add(
  value: unknown,
  delta: number | bigint,
  field: string,
  place: StorageErrorPlace,
): number | bigint {
  if (value === undefined) return delta
  if (typeof value === 'bigint' && typeof delta === 'bigint') return value + delta
  if (typeof value === 'number' && typeof delta === 'number') return value + delta
  throw new InvalidDocument(`${place.collection}.${field} is no ${typeof delta}`, place)
}
