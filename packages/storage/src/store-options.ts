import type { Collection } from './collection.ts'

/** What a store is opened with. */
export interface StoreOptions {
  /** The service and its mode, such as `audit-test`: the file in the folder, or the database on the server. */
  name: string
  collections: readonly Collection[]
  log?: ((message: string, fields: Record<string, unknown>) => void) | undefined
}
