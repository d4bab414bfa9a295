import type { PageQuery } from '@tallystick/runtime'
import { InvalidQuery } from '@tallystick/storage'
import type { Page, Stored } from '@tallystick/storage'
import { z } from 'zod'

/** Finds a page of one selection of an index that is ordered by `createdAt`. */
type Find<T> = (query: PageQuery) => Promise<Page<T>>

// Where a source stands: at its beginning (null), behind a cursor, or at its end.
const ended = false
const placesSchema = z.array(z.union([z.string(), z.null(), z.literal(ended)]))
type Place = string | null | typeof ended

/**
 * A page of several selections of one index as if they were one: in order of time and id, each document once. For
 * what is kept under more than one name of a party.
 */
export async function findMerged<T extends { id: string; createdAt: Date }>(
  sources: readonly Find<T>[],
  query: PageQuery,
): Promise<Page<T>> {
  const [only] = sources
  if (!only) return { items: [] }
  if (sources.length === 1) return only(query)
  const places = readPlaces(query.after, sources.length)
  const pages = await Promise.all(
    sources.map((find, index) => findFrom(find, query, places[index] ?? null, query.limit)),
  )
  const { merged, taken } = merge(pages, query)
  const after = await Promise.all(
    sources.map(async (find, index): Promise<Place> => {
      const [place = null, count = 0, page] = [places[index], taken[index], pages[index]]
      if (count === 0) return page?.items.length === 0 ? ended : place
      if (count === page?.items.length) return page.next ?? ended
      return (await findFrom(find, query, place, count)).next ?? ended
    }),
  )
  if (after.every((place) => place === ended)) return { items: merged }
  return { items: merged, next: Buffer.from(JSON.stringify(after)).toString('base64url') }
}

async function findFrom<T>(find: Find<T>, query: PageQuery, place: Place, limit: number): Promise<Page<T>> {
  if (place === ended) return { items: [] }
  return find({ ...query, limit, after: place ?? undefined })
}

function merge<T extends { id: string; createdAt: Date }>(pages: readonly Page<T>[], query: PageQuery) {
  const taken = pages.map(() => 0)
  const merged: Stored<T>[] = []
  while (merged.length < query.limit) {
    const heads = pages.map((page, index) => page.items[taken[index] ?? 0])
    const first = heads.reduce((a, b) => (a && b ? (comesBefore(b, a, query.order) ? b : a) : (a ?? b)))
    if (!first) break
    merged.push(first)
    for (const [index, head] of heads.entries())
      if (head?.id === first.id) taken[index] = (taken[index] ?? 0) + 1
  }
  return { merged, taken }
}

type Ordered = { id: string; createdAt: Date }

function comesBefore(a: Ordered, b: Ordered, order: PageQuery['order']): boolean {
  const byTime = a.createdAt.getTime() - b.createdAt.getTime()
  const earlier = byTime === 0 ? a.id < b.id : byTime < 0
  return order === 'asc' ? earlier : a.id !== b.id && !earlier
}

function readPlaces(after: string | undefined, count: number): Place[] {
  if (after === undefined) return Array.from({ length: count }, () => null)
  try {
    const places = placesSchema.parse(JSON.parse(Buffer.from(after, 'base64url').toString()))
    if (places.length === count) return places
  } catch (cause) {
    throw new InvalidQuery('the cursor cannot be read', { cause })
  }
  throw new InvalidQuery('the cursor is of another list')
}
