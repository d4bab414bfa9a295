import { hash } from 'node:crypto'
import { derivedId } from '@tallystick/protocol'
import { ensure } from '@tallystick/storage'
import type { Deps } from '../deps.ts'
import { balanceCheckpoints, ledgerAccounts } from './collections.ts'
import { balanceAt } from './read-ledger.ts'

/**
 * Writes down every balance of a tenant as it was at `at`, so that a balance of the past is read from there on. `at`
 * must lie so far back that no commit of before it can still be under way. Repeating it changes nothing.
 */
export async function checkpointBalances(
  { store }: Pick<Deps, 'store'>,
  tenant: string,
  at: Date,
): Promise<void> {
  for await (const { id: account } of store.scan(ledgerAccounts.byTenant, { equals: [tenant] })) {
    const reached = await balanceAt({ store }, { tenant, id: account }, at)
    const id = derivedId('ledgerAccount', hash('sha256', `${account} ${at.toISOString()}`))
    await store.commit([ensure(balanceCheckpoints, { id, tenant, account, at, ...reached })])
  }
}
