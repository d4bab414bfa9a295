import { InvalidQuery } from './errors.ts'
import type { Store } from './store.ts'
import type { StoreOptions } from './store-options.ts'

export type { StoreOptions }

/**
 * Opens the store that a URL names: `sqlite:DIR` (a file for each name in DIR), `mongodb://…` or `mongodb+srv://…`. Its
 * collections are made ready. Only the adapter that is asked for is loaded. Throws InvalidQuery for another URL.
 */
export async function openStore(url: string, options: StoreOptions): Promise<Store> {
  if (!/^[a-z0-9][a-z0-9_-]{0,37}$/.test(options.name))
    throw new InvalidQuery(`${options.name} cannot name a store`)
  if (url.startsWith('sqlite:')) {
    const { openSqliteStore } = await import('./sqlite/sqlite-store.ts')
    return openSqliteStore(url.slice('sqlite:'.length), options)
  }
  if (url.startsWith('mongodb://') || url.startsWith('mongodb+srv://')) {
    const { openMongooseStore } = await import('./mongoose/mongoose-store.ts')
    return openMongooseStore(url, options)
  }
  // The URL may hold a password: name its scheme only.
  throw new InvalidQuery(`no store for a URL of scheme ${url.split(':', 1)[0]}`)
}
