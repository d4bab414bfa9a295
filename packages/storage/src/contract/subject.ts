import type { Collection } from '../collection.ts'
import type { Store } from '../store.ts'

/** What the contract suite needs to know of an adapter. */
export interface ContractSubject {
  name: string
  /** Opens a store on the database of that name, empty when the name is new; opened twice, both share it. */
  open: (collections: readonly Collection[], database: string) => Promise<Store>
  /** Whether a commit of several writes is possible; the cases that need one are skipped where it is not. */
  transactions: boolean
}
