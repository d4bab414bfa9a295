import { Fault } from '@tallystick/protocol'
import type { Range } from '@tallystick/storage'

/** The one filter of `names` that is given, or undefined for none. Throws Fault `validation_failed` for several. */
export function soleFilter<K extends string>(
  filter: Partial<Record<K, string | undefined>>,
  names: readonly K[],
): { name: K; value: string } | undefined {
  const given = names.flatMap((name) => {
    const value = filter[name]
    return value === undefined ? [] : [{ name, value }]
  })
  if (given.length <= 1) return given[0]
  const errors = given.map(({ name }) => ({
    pointer: `/${name}`,
    message: `only one of ${names.slice(0, -1).join(', ')} and ${names.at(-1)} can be given`,
    fix: 'Keep one of them, and filter the rest of the page yourself.',
  }))
  throw new Fault('validation_failed', { errors })
}

/** The range of an index's time that `[created_from, created_before)` is, or undefined for all time. */
export function createdRange({
  created_from: from,
  created_before: before,
}: {
  created_from?: string | undefined
  created_before?: string | undefined
}): Range | undefined {
  if (from === undefined && before === undefined) return undefined
  return {
    ...(from !== undefined && { from: new Date(from) }),
    ...(before !== undefined && { before: new Date(before) }),
  }
}
