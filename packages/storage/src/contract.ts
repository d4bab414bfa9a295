import { describe } from 'vitest'
import type { Collection } from './collection.ts'
import { commitCases } from './contract/commit-cases.ts'
import { documentCases } from './contract/document-cases.ts'
import { modelCases } from './contract/model-cases.ts'
import { queryCases } from './contract/query-cases.ts'
import { raceCases } from './contract/race-cases.ts'
import type { Store } from './store.ts'

/** What the contract suite needs to know of an adapter. */
export interface ContractSubject {
  name: string
  /** Opens a store on the database of that name, empty when the name is new; opened twice, both share it. */
  open: (collections: readonly Collection[], database: string) => Promise<Store>
  /** Whether a commit of several writes is possible; the cases that need one are skipped where it is not. */
  transactions: boolean
}

/** The suite that every adapter passes: all promises of the port by example, against a model, and in races. */
export function storageContract(subject: ContractSubject): void {
  describe(`storage contract: ${subject.name}`, () => {
    documentCases(subject)
    commitCases(subject)
    queryCases(subject)
    modelCases(subject)
    raceCases(subject)
  })
}
