import { describe } from 'vitest'
import { commitCases } from './contract/commit-cases.ts'
import { documentCases } from './contract/document-cases.ts'
import { modelCases } from './contract/model-cases.ts'
import { queryCases } from './contract/query-cases.ts'
import { raceCases } from './contract/race-cases.ts'
import type { ContractSubject } from './contract/subject.ts'

export type { ContractSubject }

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
