import type { PageQuery } from '@tallystick/runtime'
import { InvalidQuery } from '@tallystick/storage'
import type { Index, Page, Range, Scalar, Store, Stored } from '@tallystick/storage'

/** A selection of an index whose next key is `createdAt`. */
export interface Selected<T extends { id: string }> {
  index: Index<T>
  equals: readonly Scalar[]
}

interface Kept {
  id: string
  createdAt: Date
}

// What a request may read to fill its page; a page may be short of its limit and still have a next one.
const readAtMost = 2000

/**
 * A page of those documents of several selections that match, in order of time and id, each once. The cursor is a place
 * in that order. Throws InvalidQuery for a cursor that is none.
 */
export async function findFiltered<T extends Kept>(
  store: Pick<Store, 'find'>,
  selections: readonly Selected<T>[],
  matches: (document: T) => boolean,
  { order, limit, after }: PageQuery,
): Promise<Page<T>> {
  const start = after === undefined ? undefined : readPlace(after)
  const streams = await Promise.all(
    selections.map(async (selection) => {
      const documents = follow(store, selection, order, limit, start)
      return { documents, head: (await documents.next()).value }
    }),
  )
  const items: Stored<T>[] = []
  let last: Kept | undefined
  for (let read = 0; read < readAtMost;) {
    let first: (typeof streams)[number] | undefined
    for (const stream of streams) {
      if (stream.head && (!first?.head || isBefore(stream.head, first.head, order))) first = stream
    }
    const document = first?.head
    if (!first || !document) return { items }
    if (items.length === limit) break
    first.head = (await first.documents.next()).value
    read++
    // The same document stands in several selections when it has several of the names that are looked for.
    if (last && document.id === last.id) continue
    last = document
    if (matches(document)) items.push(document)
  }
  return last ? { items, next: formatPlace(last) } : { items }
}

async function* follow<T extends Kept>(
  store: Pick<Store, 'find'>,
  { index, equals }: Selected<T>,
  order: PageQuery['order'],
  limit: number,
  start: Kept | undefined,
): AsyncGenerator<Stored<T>, undefined> {
  const range: Range | undefined =
    start && (order === 'desc' ? { upTo: start.createdAt } : { from: start.createdAt })
  let after: string | undefined
  do {
    const page = await store.find(index, { equals, range, order, limit: limit + 1, after })
    for (const document of page.items) if (!start || isBefore(start, document, order)) yield document
    after = page.next
  } while (after !== undefined)
  return undefined
}

function isBefore(a: Kept, b: Kept, order: PageQuery['order']): boolean {
  const byTime = a.createdAt.getTime() - b.createdAt.getTime()
  const forward = order === 'asc' ? byTime : -byTime
  if (forward !== 0) return forward < 0
  return order === 'asc' ? a.id < b.id : a.id > b.id
}

function formatPlace({ createdAt, id }: Kept): string {
  return `${createdAt.getTime()}.${id}`
}

function readPlace(cursor: string): Kept {
  const [, time, id] = /^(\d{1,15})\.(\w{1,64})$/.exec(cursor) ?? []
  if (time === undefined || id === undefined) throw new InvalidQuery('the cursor cannot be read')
  return { createdAt: new Date(Number(time)), id }
}
