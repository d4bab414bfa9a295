import { Fault } from '@tallystick/protocol'
import { reachesTenant } from '@tallystick/runtime'
import type { Caller } from '@tallystick/runtime'
import type { Deps } from '../deps.ts'
import { isPartyOf, namesOf } from '../parties.ts'

/** Whether the caller sees what belongs to `creators`: the catalogue is open to buyers, and creators see their own. */
export async function mayRead(
  deps: Pick<Deps, 'identity'>,
  caller: Caller,
  creators: readonly string[],
): Promise<boolean> {
  return caller.role !== 'creator' || isPartyOf(deps, caller, creators)
}

/** Keeps a creator from registering what would not be its own. Throws Fault `validation_failed`. */
export async function requireOwn(
  deps: Pick<Deps, 'identity'>,
  caller: Caller,
  creators: readonly string[],
): Promise<void> {
  if (caller.role === 'creator' && !(await isPartyOf(deps, caller, creators))) {
    const message = "must name the key's own account"
    throw new Fault('validation_failed', { errors: [{ pointer: '/creators', message }] })
  }
}

/** The names under which the caller finds its own, or undefined when it finds everyone's. */
export async function ownNames(
  deps: Pick<Deps, 'identity'>,
  caller: Caller,
): Promise<readonly string[] | undefined> {
  return reachesTenant(caller) ? undefined : namesOf(deps, caller)
}
