import type { Document, Index } from './collection.ts'
import type { Query, Selection, Store, Stored } from './store.ts'

/** The documents of a selection, page by page through `find`: what `scan` is in every adapter. */
export async function* scanPages<T extends Document>(
  store: Pick<Store, 'find'>,
  index: Index<T>,
  query: Selection & Pick<Query, 'order'>,
): AsyncIterable<Stored<T>> {
  let after: string | undefined
  do {
    const page = await store.find(index, { ...query, limit: 500, after })
    yield* page.items
    after = page.next
  } while (after !== undefined)
}
