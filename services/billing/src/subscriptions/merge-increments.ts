import type { Write } from '@tallystick/storage'

type Increment = Extract<Write, { type: 'increment' }>

/**
 * The writes with all increments of one document made one, at the place of the first: hundreds of invoices move the same
 * balance of a marketplace. Increments with bounds stay as they are, since each must hold on its own.
 */
export function mergeIncrements(writes: readonly Write[]): Write[] {
  const merged: Write[] = []
  const places = new Map<string, number>()
  for (const write of writes) {
    if (write.type !== 'increment' || Object.keys(write.bounds).length > 0) {
      merged.push(write)
      continue
    }
    const key = `${write.collection.name} ${write.id}`
    const place = places.get(key)
    const before = place === undefined ? undefined : merged[place]
    if (place === undefined || before?.type !== 'increment') {
      places.set(key, merged.push(write) - 1)
    } else {
      merged[place] = { ...before, by: sumOf(before.by, write.by) }
    }
  }
  return merged
}

function sumOf(a: Increment['by'], b: Increment['by']): Increment['by'] {
  const sum: Record<string, number | bigint> = { ...a }
  for (const [field, by] of Object.entries(b)) {
    const known = sum[field]
    if (typeof known === 'bigint' && typeof by === 'bigint') sum[field] = known + by
    else if (known === undefined) sum[field] = by
    else sum[field] = Number(known) + Number(by)
  }
  return sum
}
