import type { Caller } from '@tallystick/runtime'
import type { Deps } from './deps.ts'

/** The names by which objects may call the caller: its account id, and the tenant's own reference for it. */
export async function namesOf(
  { identity }: Pick<Deps, 'identity'>,
  { tenant, account }: Pick<Caller, 'tenant' | 'account'>,
): Promise<string[]> {
  const party = await identity.resolveParty(tenant, account)
  const reference = party?.reference
  return reference === undefined || reference === account ? [account] : [account, reference]
}

/** Whether one of `references` is the caller. */
export async function isPartyOf(
  deps: Pick<Deps, 'identity'>,
  caller: Pick<Caller, 'tenant' | 'account'>,
  references: readonly string[],
): Promise<boolean> {
  if (references.includes(caller.account)) return true
  const names = await namesOf(deps, caller)
  return references.some((reference) => names.includes(reference))
}
