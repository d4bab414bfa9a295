import type { Store } from '@tallystick/storage'
import { journals, ledgerAccounts } from './collections.ts'

/** A balance that is not the sum of its postings. */
export interface LedgerDifference {
  account: string
  kept: bigint
  derived: bigint
}

/** What a check of a tenant's ledger found; the books are right when both lists are empty. */
export interface LedgerCheck {
  journals: number
  /** Ids of journals whose postings do not sum to zero. */
  unbalanced: string[]
  differences: LedgerDifference[]
}

/** Derives every balance of a tenant again from all journals and compares. Reads everything: for jobs and tests. */
export async function checkLedger({ store }: { store: Store }, tenant: string): Promise<LedgerCheck> {
  const derived = new Map<string, bigint>()
  const check: LedgerCheck = { journals: 0, unbalanced: [], differences: [] }
  for await (const { id, postings } of store.scan(journals.byTenant, { equals: [tenant] })) {
    check.journals++
    let sum = 0n
    for (const { account, amount } of postings) {
      sum += amount
      derived.set(account, (derived.get(account) ?? 0n) + amount)
    }
    if (sum !== 0n) check.unbalanced.push(id)
  }
  for await (const { id, balance } of store.scan(ledgerAccounts.byTenant, { equals: [tenant] })) {
    const sum = derived.get(id) ?? 0n
    derived.delete(id)
    if (sum !== balance) check.differences.push({ account: id, kept: balance, derived: sum })
  }
  for (const [account, sum] of derived) {
    if (sum !== 0n) check.differences.push({ account, kept: 0n, derived: sum })
  }
  return check
}
