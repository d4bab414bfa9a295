import { Fault } from '@tallystick/protocol'
import type { ApiKeyView } from '@tallystick/protocol'
import { isUsable, planRotation } from '@tallystick/runtime'
import type { Plan } from '@tallystick/runtime'
import { announceEvent } from './administrative-event.ts'
import { requireScopes } from './create-key.ts'
import type { Actor, Deps } from './deps.ts'
import { findChangeableKey } from './find-key.ts'
import { requireOwnEnd } from './require-own-end.ts'
import { apiKeyView } from './views.ts'

/**
 * A new key with the rights of an old one, which goes on for `overlap_seconds`. Throws Fault `not_found`, `forbidden`,
 * `invalid_state`.
 */
export async function rotateKey(
  deps: Pick<Deps, 'store' | 'now' | 'newId'>,
  caller: Actor,
  input: { key_id: string; overlap_seconds: number },
  secret: string,
): Promise<Plan<ApiKeyView>> {
  const found = await findChangeableKey(deps, caller, input.key_id)
  // Whoever rotates a key gets its rights: a weak key must not fetch itself a strong one.
  requireScopes(caller, found.scopes)
  const at = deps.now()
  if (!isUsable(found, at) || found.replacedBy !== undefined)
    throw new Fault('invalid_state', { detail: 'The key must be active and not be rotated yet' })
  if (found.id !== caller.keyId) await requireOwnEnd(deps, caller, found.expiresAt)
  const { tenant } = found
  const event = announceEvent(deps, tenant)
  const overlapSeconds = input.overlap_seconds
  const rotation = planRotation(found, { secret, at, overlapSeconds, auditId: event.auditId })
  const answer = apiKeyView(rotation.answer.fresh, at)
  const change = {
    tenant,
    kind: 'api_key.rotated',
    actor: caller.account,
    subject: found.id,
    before: apiKeyView(found, at),
    after: apiKeyView(rotation.answer.old, at),
  } as const
  return { writes: [...rotation.writes, event.write(change, at)], answer }
}
