/** The part of a list's input that says which page: at most one of the cursors is given. */
export interface PageInput {
  limit: number
  starting_after?: string | undefined
  ending_before?: string | undefined
}

/** How a page of a list with the newest first is asked for: `ending_before` walks from its cursor the other way. */
export function pageQuery({ limit, starting_after, ending_before }: PageInput) {
  if (ending_before === undefined) return { order: 'desc' as const, limit, after: starting_after }
  return { order: 'asc' as const, limit, after: ending_before }
}

/** The items that `pageQuery` found, with the newest first. */
export function inListOrder<T>({ ending_before }: PageInput, items: readonly T[]): T[] {
  return ending_before === undefined ? [...items] : items.toReversed()
}
