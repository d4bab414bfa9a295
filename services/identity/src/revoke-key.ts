import type { ApiKeyView } from '@tallystick/protocol'
import { planRevocation } from '@tallystick/runtime'
import type { Plan } from '@tallystick/runtime'
import { announceEvent } from './administrative-event.ts'
import type { Actor, Deps } from './deps.ts'
import { findChangeableKey } from './find-key.ts'
import { apiKeyView } from './views.ts'

/** Ends a key; one that is revoked already stays as it is. Throws Fault `not_found`, `forbidden`. */
export async function revokeKey(
  deps: Pick<Deps, 'store' | 'now' | 'newId'>,
  caller: Actor,
  { key_id: id, reason }: { key_id: string; reason?: string | undefined },
): Promise<Plan<ApiKeyView>> {
  const found = await findChangeableKey(deps, caller, id)
  const at = deps.now()
  if (found.revokedAt) return { writes: [], answer: apiKeyView(found, at) }
  const { tenant } = found
  const event = announceEvent(deps, tenant)
  const { writes, answer } = planRevocation(found, { at, auditId: event.auditId })
  const before = apiKeyView(found, at)
  const after = apiKeyView(answer, at)
  const change = { tenant, kind: 'api_key.revoked', actor: caller.account, subject: id, reason } as const
  return { writes: [...writes, event.write({ ...change, before, after }, at)], answer: after }
}
