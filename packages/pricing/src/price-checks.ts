import { compareDecimals, parseDecimal } from '@tallystick/money'
import { decimal } from '@tallystick/protocol'
import type { z } from 'zod'

/** Refuses tiers that do not ascend, overlap, or leave quantities without a price. */
export function ascendingTiers(tiers: readonly { up_to: string }[], context: z.RefinementCtx): void {
  const refuse = (position: number, message: string): void =>
    context.addIssue({ code: 'custom', path: [position, 'up_to'], message })
  tiers.forEach(({ up_to: bound }, position) => {
    const isLast = position === tiers.length - 1
    if (isLast && bound !== 'inf') refuse(position, 'the last tier must be up to "inf"')
    if (!isLast && bound === 'inf') refuse(position, 'only the last tier may be up to "inf"')
    const previous = tiers[position - 1]?.up_to
    if (previous === undefined || isGreater(bound, previous) !== false) return
    refuse(position, `must be greater than ${previous}, where the tier before it ends`)
  })
}

/** Refuses a percentage whose smallest amount per event exceeds its largest. */
export function boundsInOrder(
  value: { minimum_amount?: string | undefined; maximum_amount?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (isGreater(value.minimum_amount, value.maximum_amount) !== true) return
  const message = `must not be greater than maximum_amount, ${value.maximum_amount}`
  context.addIssue({ code: 'custom', path: ['minimum_amount'], message })
}

/** Refuses a matrix with rows that name unknown dimensions, match everything, or can never be reached. */
export function reachableRows(
  value: { dimensions: readonly string[]; rows: readonly { match: Record<string, string> }[] },
  context: z.RefinementCtx,
): void {
  const seen = new Set<string>()
  value.rows.forEach(({ match }, position) => {
    const path = ['rows', position, 'match']
    const names = Object.keys(match).sort()
    if (names.length === 0)
      context.addIssue({ code: 'custom', path, message: 'must name at least one dimension' })
    for (const name of names.filter((candidate) => !value.dimensions.includes(candidate))) {
      context.addIssue({ code: 'custom', path: [...path, name], message: 'is not one of `dimensions`' })
    }
    const key = JSON.stringify(names.map((name) => [name, match[name]]))
    if (seen.has(key))
      context.addIssue({ code: 'custom', path, message: 'an earlier row has the same match' })
    seen.add(key)
  })
}

/** Whether a is greater than b; undefined unless both are decimals, for checks run beside those of the fields. */
function isGreater(a: string | undefined, b: string | undefined): boolean | undefined {
  if (!decimal.safeParse(a).success || !decimal.safeParse(b).success) return undefined
  return compareDecimals(parseDecimal(a ?? ''), parseDecimal(b ?? '')) > 0
}
