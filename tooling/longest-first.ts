import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

// Longest first, so that no core idles at the end. A fresh clone does not know how long files took.
const longest = [
  'test/crash.test.ts',
  'test/money/killed.test.ts',
  'test/money/simulator.test.ts',
  'test/separate-services/separate-services.test.ts',
  'services/audit/src/anchoring/crash-points.test.ts',
  'services/audit/src/anchoring/chain-faults.test.ts',
  'test/rights/cross-tenant.test.ts',
  'services/billing/src/subscriptions/run-billing.test.ts',
  'contracts/build.test.ts',
]

/** The order of test files: those that are known to take long, then as vitest has it. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((one) => moduleId.endsWith(`/${one}`))
      return found === -1 ? longest.length : found
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}
