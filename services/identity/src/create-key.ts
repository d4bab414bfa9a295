import { Fault } from '@tallystick/protocol'
import type { ApiKeyInput, ApiKeyView, Scope } from '@tallystick/protocol'
import { planKey } from '@tallystick/runtime'
import type { Plan } from '@tallystick/runtime'
import { expect } from '@tallystick/storage'
import type { Stored } from '@tallystick/storage'
import { announceEvent } from './administrative-event.ts'
import { accounts } from './collections.ts'
import type { StoredAccount } from './collections.ts'
import type { Actor, Deps } from './deps.ts'
import { accountByReference, findAccount } from './find-account.ts'
import { requireOwnEnd } from './require-own-end.ts'
import { apiKeyView } from './views.ts'

/** Scopes that reach beyond one tenant: only operators' keys carry them. */
const farReaching: ReadonlySet<Scope> = new Set(['platform', 'service'])

/**
 * A new key behind `secret`, with scopes that the caller has. Operators make keys for every account of their tenant,
 * others for themselves. Throws Fault `forbidden`, `reference_not_found`, `invalid_state`, `validation_failed`.
 */
export async function createKey(
  deps: Pick<Deps, 'store' | 'now' | 'newId'>,
  caller: Actor,
  input: ApiKeyInput,
  secret: string,
): Promise<Plan<ApiKeyView>> {
  const scopes = [...new Set(input.scopes)]
  requireScopes(caller, scopes)
  const holder = await holderOf(deps, caller, input.account)
  if (holder.role !== 'operator') refuseScopes(scopes.filter((one) => farReaching.has(one)))
  if (holder.status !== 'active')
    throw new Fault('invalid_state', { detail: 'The account is suspended; reactivate it first' })
  const at = deps.now()
  const expiresAt = input.expires_at === undefined ? undefined : new Date(input.expires_at)
  if (expiresAt && expiresAt <= at) {
    const error = { pointer: '/expires_at', message: 'lies in the past', fix: 'Give a time to come.' }
    throw new Fault('validation_failed', { errors: [error] })
  }
  await requireOwnEnd(deps, caller, expiresAt)
  const { tenant, id: account, role, plan } = holder
  const event = announceEvent(deps, tenant)
  const planned = planKey(
    {
      tenant,
      account,
      role,
      plan,
      name: input.name,
      scopes,
      auditId: event.auditId,
      ...(expiresAt && { expiresAt }),
    },
    { secret, at },
  )
  const answer = apiKeyView(planned.answer, at)
  const change = { tenant, kind: 'api_key.created', actor: caller.account, subject: answer.id } as const
  return {
    // The account must be as it was read: a suspension meanwhile must not miss this key.
    writes: [
      expect(accounts, holder.id, holder.version),
      ...planned.writes,
      event.write({ ...change, after: answer }, at),
    ],
    answer,
  }
}

/** Throws Fault `forbidden` unless the caller has all of `scopes`: no key makes one that can more than itself. */
export function requireScopes(caller: Pick<Actor, 'scopes'>, scopes: readonly Scope[]): void {
  refuseScopes(scopes.filter((one) => !caller.scopes.includes(one)))
}

function refuseScopes(beyond: readonly Scope[]): void {
  if (beyond.length === 0) return
  throw new Fault('forbidden', { detail: `This key cannot grant the scopes ${beyond.join(', ')}` })
}

async function holderOf(
  deps: Pick<Deps, 'store'>,
  caller: Actor,
  reference: string | undefined,
): Promise<Stored<StoredAccount>> {
  if (reference === undefined) return findAccount(deps, caller.tenant, caller.account)
  const found = await accountByReference(deps, caller.tenant, reference)
  if (!found || (caller.role !== 'operator' && found.id !== caller.account)) {
    const error = { pointer: '/account', message: 'names no account', fix: 'Create the account first.' }
    throw new Fault('reference_not_found', { errors: [error] })
  }
  return found
}
