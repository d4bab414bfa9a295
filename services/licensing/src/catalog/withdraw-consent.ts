import type { Caller, Plan } from '@tallystick/runtime'
import { replace } from '@tallystick/storage'
import { announce } from '../announce.ts'
import { consents } from '../collections.ts'
import type { Deps } from '../deps.ts'
import { consentView } from './consent-view.ts'
import type { Consent } from './consent-view.ts'
import { requireConsent } from './find-consent.ts'

/**
 * Plans the withdrawal of a consent: one write to the consent itself, which every decision reads. One that was
 * withdrawn before is answered as it is.
 */
export async function withdrawConsent(
  deps: Deps,
  caller: Caller,
  id: string,
  { reason }: { reason: string },
): Promise<Plan<Consent>> {
  const { version, ...before } = await requireConsent(deps, caller, id)
  const at = deps.now()
  if (before.withdrawnAt) return { writes: [], answer: consentView(deps.livemode, before, at) }
  const { write, auditId } = announce(deps, caller, {
    kind: 'consent.withdrawn',
    items: before.items ?? [],
    data: {
      consent: id,
      subject: before.subject,
      ...(before.dataset !== undefined && { dataset: before.dataset }),
      reason,
    },
  })
  const after = { ...before, withdrawnAt: at, withdrawalReason: reason, auditId }
  return { writes: [replace(consents, after, version), write], answer: consentView(deps.livemode, after, at) }
}
