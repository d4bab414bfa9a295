import type { Account } from '@tallystick/protocol'
import { apiKeys } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import type { Stored, Write } from '@tallystick/storage'
import { announceEvent } from './administrative-event.ts'
import { accounts } from './collections.ts'
import type { StoredAccount } from './collections.ts'
import type { Deps } from './deps.ts'
import { accountByReference } from './find-account.ts'
import { accountView } from './views.ts'

/** What identity forgot of a person, and what it kept. */
export interface ForgottenAccounts {
  erased: { object: string; id: string }[]
  kept: { object: string; id: string; reason: string }[]
}

const reason = 'erased'

/** The accounts of a person under any of these names, as the API tells them. */
export async function tellAccounts(
  deps: Pick<Deps, 'store' | 'mode'>,
  tenant: string,
  names: readonly string[],
): Promise<Account[]> {
  return (await accountsOf(deps, tenant, names)).map((one) => accountView(one, deps.mode))
}

/**
 * Takes name, address, reference and metadata from the accounts of a person and the names from their keys, and revokes the
 * keys. The id stays: it says nothing. The founding account stays whole, since the marketplace is named by it. Idempotent.
 */
export async function forgetAccounts(
  deps: Deps,
  tenant: string,
  names: readonly string[],
): Promise<ForgottenAccounts> {
  const told: ForgottenAccounts = { erased: [], kept: [] }
  for (const { id } of await accountsOf(deps, tenant, names)) {
    if (id === tenant) {
      told.kept.push({ object: 'account', id, reason: 'founder_of_marketplace' })
      continue
    }
    await deps.store.attempt(async () => {
      const found = await deps.store.get(accounts, id)
      if (found && found.suspensionReason !== reason) await deps.store.commit(await forgetOne(deps, found))
    })
    told.erased.push({ object: 'account', id })
  }
  deps.keys.forget()
  return told
}

async function accountsOf(deps: Pick<Deps, 'store'>, tenant: string, names: readonly string[]) {
  const found = new Map<string, Stored<StoredAccount>>()
  for (const name of names) {
    const account = await accountByReference(deps, tenant, name)
    if (account) found.set(account.id, account)
  }
  return [...found.values()]
}

async function forgetOne(deps: Deps, { version, ...before }: Stored<StoredAccount>): Promise<Write[]> {
  const { id, tenant, role, plan, createdAt } = before
  const at = deps.now()
  const event = announceEvent(deps, tenant)
  const after: StoredAccount = {
    id,
    tenant,
    role,
    plan,
    createdAt,
    name: 'Erased',
    metadata: {},
    status: 'suspended',
    suspensionReason: reason,
    updatedAt: at,
    auditId: event.auditId,
  }
  const change = {
    tenant,
    kind: 'account.erased',
    actor: tenant,
    subject: id,
    before: accountView(before, deps.mode),
    after: accountView(after, deps.mode),
  } as const
  const writes: Write[] = [replace(accounts, after, version), event.write(change, at)]
  for await (const { version: seen, ...key } of deps.store.scan(apiKeys.byAccount, { equals: [tenant, id] }))
    writes.push(replace(apiKeys, { ...key, name: reason, revokedAt: key.revokedAt ?? at }, seen))
  return writes
}
