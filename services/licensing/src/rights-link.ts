import { Fault } from '@tallystick/protocol'
import type { LicenseCharge, LicenseChargeQuestion, UsageQuestion, UsageRight } from '@tallystick/protocol'
import type { Caller } from '@tallystick/runtime'
import { endLicense } from './agreements/end-license.ts'
import { tellCharges } from './agreements/tell-charges.ts'
import { decideForUsage } from './decisions/decide-for-usage.ts'
import type { Deps } from './deps.ts'

/** What billing asks of licensing: in the same process by this, over HTTP by the routes of the same name. */
export interface RightsLink {
  /** Whether each reported use was allowed, in order. No event is made of the asking. */
  check(tenant: string, questions: readonly UsageQuestion[]): Promise<UsageRight[]>
  /** What agreements say of their payment, in order; null for what is missing or of another buyer. */
  charges(tenant: string, questions: readonly LicenseChargeQuestion[]): Promise<(LicenseCharge | null)[]>
  /** Ends an agreement, as after a refund; nothing changes when it has ended. */
  revoke(tenant: string, license: string, reason: string): Promise<void>
}

/** The link for services in the same process. */
export function rightsLink(deps: Deps): RightsLink {
  return {
    check: (tenant, questions) => decideForUsage(deps, tenant, questions),
    charges: (tenant, questions) => tellCharges(deps, tenant, questions),
    async revoke(tenant, license_id, reason) {
      const { livemode } = deps
      const caller: Caller = {
        tenant,
        account: tenant,
        role: 'operator',
        keyId: '',
        scopes: ['service'],
        livemode,
        plan: '',
      }
      try {
        await deps.store.attempt(async () => {
          const { writes } = await endLicense(deps, caller, 'revoke', { license_id, reason })
          await deps.store.commit([...writes])
        })
      } catch (error) {
        // It has ended already, or never was: nothing is left to revoke.
        if (!(error instanceof Fault && ['invalid_state', 'license_not_found'].includes(error.code)))
          throw error
      }
    },
  }
}
